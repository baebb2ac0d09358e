import pytest
import torch

from sphynx_trainer.networks.sphynx.affine import AffineMap, Kernel
from sphynx_trainer.networks.sphynx.margins import NO_MARGIN, needed
from sphynx_trainer.networks.sphynx.operations import OPERATIONS, make_operation, reach_of

from ..conftest import randomise

SHAPES = [
    (name, stride, 4 if stride == 1 else 16, False) for name in OPERATIONS for stride in (1, 2)
] + [(name, stride, 4, True) for name in OPERATIONS for stride in (1, 2)]
"""Name, stride, channels after the operation, and whether it is repeated as the paper's form does.
"""
ORIGIN = 6


@pytest.mark.parametrize(("name", "stride", "channels", "repeat"), SHAPES)
def test_an_operation_equals_its_convolution(
    name: str, stride: int, channels: int, repeat: bool
) -> None:
    operation = randomise(make_operation(name, 4, channels, stride, repeat=repeat)).double().eval()
    source = torch.randn(2, 4, 24, 24, dtype=torch.float64)
    margin = needed(NO_MARGIN, operation.reach, operation.stride)
    rows = 4 * stride
    patch = slice(ORIGIN - margin.before, ORIGIN + rows + margin.after)
    result = operation(source[..., patch, patch])
    assert result.shape == (2, channels, 4, 4)
    reach = reach_of(name, stride, repeat=repeat)
    assert reach is None or reach == operation.reach

    affine = operation.affine(AffineMap.identity(0, 4))
    expected = affine.bias.view(1, -1, 1, 1).expand(2, -1, 4, 4)
    for kernel in affine.kernels.values():
        expected = expected + _apply(kernel, source, 4)
    assert torch.allclose(result, expected, atol=1e-12)


def _apply(kernel: Kernel, source: torch.Tensor, count: int) -> torch.Tensor:
    begin = ORIGIN + kernel.first
    end = begin + kernel.stride * (count - 1) + kernel.weight.shape[-1]
    window = source[..., begin:end, begin:end]
    return torch.nn.functional.conv2d(window, kernel.weight, stride=kernel.stride)


def test_stride_1_never_changes_the_channels() -> None:
    with pytest.raises(ValueError, match="keeps the channels"):
        make_operation("conv3x3", 4, 8, 1)


def test_an_unknown_operation_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="max_pool"):
        make_operation("max_pool", 4, 4, 1)


def test_a_repeated_convolution_never_changes_the_channels() -> None:
    with pytest.raises(ValueError, match="twice keeps the channels"):
        make_operation("conv3x3", 4, 8, 2, repeat=True)
