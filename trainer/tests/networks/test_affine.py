import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sphynx_trainer.networks.sphynx.affine import AffineMap, Kernel, concatenate


def random_kernel(out: int, into: int, size: int, first: int, stride: int) -> Kernel:
    return Kernel(torch.randn(out, into, size, size, dtype=torch.float64), first, stride)


def at_origin(kernel: Kernel, source: Tensor, origin: int, count: int) -> Tensor:
    """The kernel's output rows 0..count-1, where source row 0 is stored at row `origin`."""
    begin = origin + kernel.first
    end = begin + kernel.stride * (count - 1) + kernel.weight.shape[-1]
    return F.conv2d(source[..., begin:end, begin:end], kernel.weight, stride=kernel.stride)


@pytest.mark.parametrize(("outer", "inner"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_a_composition_equals_one_convolution_after_the_other(outer: int, inner: int) -> None:
    source = torch.randn(2, 3, 40, 40, dtype=torch.float64)
    first = random_kernel(4, 3, 3, -1, inner)
    second = random_kernel(5, 4, 5, -2, outer)
    middle = at_origin(
        Kernel(first.weight, first.first - 2 * inner, inner), source, 10, 3 * outer + 5
    )
    expected = at_origin(second, middle, 2, 3)
    assert torch.allclose(at_origin(second.after(first), source, 10, 3), expected)


def test_kernels_of_different_sizes_add_at_the_same_position() -> None:
    source = torch.randn(1, 3, 20, 20, dtype=torch.float64)
    left, right = random_kernel(4, 3, 5, -2, 1), random_kernel(4, 3, 2, 0, 1)
    total = at_origin(left + right, source, 5, 6)
    assert torch.allclose(total, at_origin(left, source, 5, 6) + at_origin(right, source, 5, 6))


def test_kernels_of_different_strides_do_not_add() -> None:
    with pytest.raises(ValueError, match="strides differ"):
        random_kernel(1, 1, 1, 0, 1) + random_kernel(1, 1, 1, 0, 2)


def test_trimming_drops_zero_rows_but_keeps_row_zero_and_the_map() -> None:
    source = torch.randn(1, 2, 20, 20, dtype=torch.float64)
    kernel = random_kernel(3, 2, 3, -1, 1)
    trimmed = kernel.extended(-4, 6).trimmed()
    assert (trimmed.first, trimmed.last) == (-1, 1)
    assert torch.equal(trimmed.weight, kernel.weight)
    ahead = random_kernel(3, 2, 2, 1, 1).trimmed()
    assert (ahead.first, ahead.last) == (0, 2)
    assert at_origin(ahead, source, 4, 5).shape == (1, 3, 5, 5)


def test_a_bias_passes_through_a_convolution() -> None:
    before = AffineMap({}, torch.tensor([2.0], dtype=torch.float64))
    kernel = Kernel(torch.ones(1, 1, 3, 3, dtype=torch.float64), -1, 1)
    after = before.then(kernel, torch.tensor([1.0], dtype=torch.float64))
    assert after.bias.tolist() == [19.0]


def test_concatenation_fills_a_missing_source_with_zeros() -> None:
    left, right = AffineMap.identity(0, 2), AffineMap.identity(1, 3)
    joined = concatenate([left, right])
    assert joined.kernels[0].weight.shape == (5, 2, 1, 1)
    assert joined.kernels[1].weight.shape == (5, 3, 1, 1)
    assert not joined.kernels[1].weight[:2].any()
