import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sphynx_trainer.networks.plain.config import NodeShape
from sphynx_trainer.networks.plain.convolution import ConvolutionSum, PlainConvolution
from sphynx_trainer.networks.plain.spectral import Plan, Shape, SpectralProduct

SHAPES = [
    Shape(5, 4, 9, 1, (4, 4), 8),
    Shape(3, 4, 18, 2, (8, 8), 16),
    Shape(3, 4, 16, 4, (7, 5), 32),
    Shape(2, 3, 7, 2, (3, 2), 16),
    Shape(2, 3, 3, 1, (1, 1), 7),
    Shape(2, 3, 6, 1, (0, 5), 5),
    Shape(2, 3, 6, 1, (5, 0), 5),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_transform_computes_the_convolution_and_its_gradients(shape: Shape) -> None:
    plan = Plan.of(shape)
    assert plan is not None
    images = torch.randn(3, shape.channels_in, shape.side, shape.side, requires_grad=True)
    kernels = torch.randn(shape.channels, shape.channels_in, *[shape.kernel] * 2)
    kernels.requires_grad_()
    before, after = shape.pads
    expected = F.conv2d(F.pad(images, (before, after, before, after)), kernels, stride=shape.stride)
    got = SpectralProduct(plan)(images, kernels)
    assert torch.allclose(got, expected, atol=1e-5 * float(expected.abs().max().detach()))
    pull = torch.randn_like(expected)
    for found, wanted in zip(
        torch.autograd.grad((got * pull).sum(), (images, kernels)),
        torch.autograd.grad((expected * pull).sum(), (images, kernels)),
        strict=True,
    ):
        assert torch.allclose(found, wanted, atol=1e-5 * float(wanted.abs().max()))


def test_in_bfloat16_the_transform_is_as_exact_as_the_usual_algorithm() -> None:
    shape = Shape(16, 16, 9, 1, (4, 4), 8)
    plan = Plan.of(shape)
    assert plan is not None
    images, kernels = torch.randn(8, 16, 8, 8), torch.randn(16, 16, 9, 9)
    exact = F.conv2d(images, kernels, padding=4)
    with torch.autocast("cpu", torch.bfloat16):
        quick = SpectralProduct(plan)(images, kernels)
        usual = F.conv2d(images, kernels, padding=4)
    assert quick.dtype == usual.dtype == torch.bfloat16
    ours, theirs = (float((found - exact).norm() / exact.norm()) for found in (quick, usual))
    assert ours < 2 * theirs < 0.02


@pytest.mark.parametrize(
    "shape", [Shape(2, 3, 3, 1, (0, 0), 8), Shape(2, 3, 3, 2, (1, 1), 7)], ids=str
)
def test_a_convolution_that_changes_the_size_otherwise_has_no_plan(shape: Shape) -> None:
    assert Plan.of(shape) is None


def test_only_large_kernels_on_small_maps_pay() -> None:
    def pays(shape: Shape) -> bool:
        plan = Plan.of(shape)
        return plan is not None and plan.pays

    assert pays(Shape(80, 80, 9, 1, (4, 4), 8))
    assert not pays(Shape(80, 80, 1, 1, (0, 0), 8))
    assert not pays(Shape(64, 64, 3, 1, (1, 1), 32))


def test_a_plain_convolution_computes_the_same_either_way() -> None:
    attributes: dict[str, int | list[int]] = {"pads": [4] * 4, "strides": [1, 1]}
    node = NodeShape("c", "Conv", ("x",), {"w": [16, 16, 9, 9], "b": [16]}, attributes)
    layer = PlainConvolution(node, (16, 8, 8))
    nn.init.normal_(layer.weight)
    assert layer.bias is not None
    nn.init.normal_(layer.bias)
    alone, images = ConvolutionSum([layer]), torch.randn(2, 16, 8, 8)
    with torch.no_grad():
        quick = alone({"x": images}, {})
        assert alone.multiplications(quick) < 16 * 64 * 16 * 81
        layer.spectral = None
        usual = alone({"x": images}, {})
        assert alone.multiplications(usual) == 16 * 64 * 16 * 81
    assert torch.allclose(quick, usual, atol=1e-5 * float(usual.abs().max()))


def convolution(source: str, side: int, kernel: int, stride: int = 1) -> PlainConvolution:
    before, after = (kernel - stride + 1) // 2, (kernel - stride) // 2
    attributes: dict[str, int | list[int]] = {
        "pads": [before, before, after, after],
        "strides": [stride] * 2,
    }
    node = NodeShape(f"of_{source}", "Conv", (source,), {"w": [16, 16, kernel, kernel]}, attributes)
    layer = PlainConvolution(node, (16, side, side))
    nn.init.normal_(layer.weight)
    return layer


@pytest.mark.parametrize(
    ("kernels", "ways", "spectra"),
    [((9, 9), 2, 2), ((9, 7), 2, 2), ((9, 1), 1, 1)],
    ids=["one period", "two periods", "one of two"],
)
def test_a_sum_of_convolutions_is_the_sum_of_each(
    kernels: tuple[int, int], ways: int, spectra: int
) -> None:
    layers = [convolution(source, 8, kernel) for source, kernel in zip("ab", kernels, strict=True)]
    assert sum(layer.spectral is not None for layer in layers) == ways
    maps = {source: torch.randn(3, 16, 8, 8) for source in "ab"}
    total, known = ConvolutionSum(layers), {}
    wanted = sum(layer(maps[layer.source]) for layer in layers)
    assert isinstance(wanted, torch.Tensor)
    got = total(maps, known)
    assert len(known) == spectra
    assert torch.allclose(got, wanted, atol=1e-5 * float(wanted.abs().max().detach()))


def test_two_sums_share_the_transform_of_a_map() -> None:
    first, second = (convolution("a", 8, 9) for _ in range(2))
    maps, known = {"a": torch.randn(3, 16, 8, 8, requires_grad=True)}, {}
    outputs = [ConvolutionSum([layer])(maps, known) for layer in (first, second)]
    assert len(known) == 1
    for layer, output in zip((first, second), outputs, strict=True):
        wanted = layer(maps["a"])
        assert torch.allclose(output, wanted, atol=1e-5 * float(wanted.abs().max().detach()))
    pull = torch.randn_like(outputs[0])
    (found,) = torch.autograd.grad(sum((output * pull).sum() for output in outputs), maps["a"])
    (other,) = torch.autograd.grad(
        sum((layer(maps["a"]) * pull).sum() for layer in (first, second)), maps["a"]
    )
    assert torch.allclose(found, other, atol=1e-5 * float(other.abs().max()))
