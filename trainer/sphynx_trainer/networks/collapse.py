"""Collapses a trained network: D multi-input convolutions with ReLU, average pool, linear.

With batch norm in inference form a cell has no nonlinearity before its ReLU, so it equals
one convolution per secret tensor it reads. The rich form trains better; the collapsed form
is what private inference computes, one linear layer per ReLU layer.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .affine import IMAGE, AffineMap, Kernel, Source
from .sphynx import STEM, SphynxNetwork, sources

TOLERANCE = 1e-4
"""Largest error of the collapsed logits, relative to the largest logit."""


class CollapseError(Exception):
    """The collapsed network does not compute what the trained one does."""


@dataclass(frozen=True)
class Convolution:
    """One source's share of a layer, as ONNX's Conv computes it.

    weight: float32 [out, in, size, size]; pads: zeros around the source, as ONNX orders
    them: top, left, bottom, right.
    """

    source: Source
    weight: Tensor
    stride: int
    pads: tuple[int, int, int, int]

    def __call__(self, tensor: Tensor) -> Tensor:
        """[N, in, H, W] -> [N, out, H / stride, W / stride]."""
        top, left, bottom, right = self.pads
        return F.conv2d(F.pad(tensor, (left, right, top, bottom)), self.weight, stride=self.stride)


@dataclass(frozen=True)
class Layer:
    """relu(sum of convolutions + bias); size: rows (and columns) of the output."""

    convolutions: tuple[Convolution, ...]
    bias: Tensor
    size: int

    @property
    def relus(self) -> int:
        """Elements of the output."""
        return len(self.bias) * self.size**2

    @property
    def macs(self) -> int:
        """Multiplications, those with structural zeros of a kernel included."""
        return self.size**2 * sum(part.weight.numel() for part in self.convolutions)


@dataclass(frozen=True)
class CollapsedNetwork:
    """What is exported. weight: [classes, channels] and bias of the final linear layer."""

    layers: tuple[Layer, ...]
    weight: Tensor
    bias: Tensor
    image_size: int

    def __call__(self, images: Tensor) -> Tensor:
        """[N, 3, S, S] normalised images -> [N, classes] logits."""
        secret = {IMAGE: images}
        output = images
        for index, layer in enumerate(self.layers):
            shares = (part(secret[part.source]) for part in layer.convolutions)
            output = F.relu(sum(shares) + layer.bias.view(1, -1, 1, 1))
            secret[index] = output
        return F.linear(output.mean(dim=(2, 3)), self.weight, self.bias)

    @property
    def relus(self) -> int:
        """ReLUs of one inference."""
        return sum(layer.relus for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiplications of one inference."""
        return sum(layer.macs for layer in self.layers) + self.weight.numel()

    @property
    def parameters(self) -> int:
        """Numbers in all kernels, biases and the linear layer."""
        layers = sum(
            len(layer.bias) + sum(part.weight.numel() for part in layer.convolutions)
            for layer in self.layers
        )
        return layers + self.weight.numel() + self.bias.numel()


@torch.no_grad()
def collapse(network: SphynxNetwork) -> CollapsedNetwork:
    """The collapsed form, verified. Switches `network` to evaluation mode.

    Raises CollapseError if the two forms disagree on random images.
    """
    network.eval()
    config = network.config
    outputs = {STEM: network.stem.affine(AffineMap.identity(IMAGE, 3))}
    layers = []
    for index, cell in enumerate(network.cells):
        affine = cell.affine(*(outputs[source] for source in sources(index)))
        layers.append(_layer(affine, config.size_after(index)))
        outputs[index] = AffineMap.identity(index, config.channels_after(index))
    collapsed = CollapsedNetwork(
        layers=tuple(layers),
        weight=network.classify.weight.float().clone(),
        bias=network.classify.bias.float().clone(),
        image_size=config.image_size,
    )
    verify(network, collapsed)
    return collapsed


@torch.no_grad()
def verify(network: SphynxNetwork, collapsed: CollapsedNetwork) -> float:
    """The largest relative error of the logits on random images. Raises CollapseError."""
    size = collapsed.image_size
    images = torch.randn(8, 3, size, size, generator=torch.Generator().manual_seed(0))
    expected = network.eval()(images)
    error = float((collapsed(images) - expected).abs().max() / expected.abs().max())
    if not error < TOLERANCE:
        raise CollapseError(
            f"the collapsed network differs from the trained one: relative error {error:.1e}, "
            f"at most {TOLERANCE:.0e} is allowed; the network has a path that is not linear, "
            "or one that pads between two convolutions"
        )
    return error


def _layer(affine: AffineMap, size: int) -> Layer:
    convolutions = tuple(
        _convolution(source, kernel.trimmed()) for source, kernel in affine.kernels.items()
    )
    return Layer(convolutions, affine.bias.float(), size)


def _convolution(source: Source, kernel: Kernel) -> Convolution:
    before = -kernel.first
    after = kernel.last - (kernel.stride - 1)
    return Convolution(
        source=source,
        weight=kernel.weight.float().contiguous(),
        stride=kernel.stride,
        pads=(before, before, after, after),
    )
