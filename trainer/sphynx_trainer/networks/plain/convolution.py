"""Convolutions as ONNX has them, of maps whose size is known, and sums of them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..base.batch_norm import BatchNorm2d, scale_and_shift
from .config import NodeShape
from .spectral import Plan, Shape, SpectralProduct

Spectra = dict[tuple[str, int, int], Tensor]
"""Transforms of maps by the map's name, stride and period; two convolutions may read the same."""


class PlainConvolution(nn.Module):
    """The weight and bias of one convolution, and on a CPU its way of fewer multiplications.

    source: the name of the map that it reads, whose shape is [channels, *sides]. envelope: by which
    the kernel's taps differ from the weight's (`envelopes.py`), 1 unless it is given.
    """

    envelope: Tensor

    def __init__(self, node: NodeShape, shape: tuple[int, ...], *, biased: bool = True) -> None:
        super().__init__()
        (self.source,) = node.inputs
        weight, *biases = node.constants.values()
        self.weight = nn.Parameter(torch.zeros(weight))
        self.register_buffer("envelope", torch.ones(weight[2:]))
        self.bias = nn.Parameter(torch.zeros(biases[0])) if biases and biased else None
        pads, strides = node.attributes["pads"], node.attributes["strides"]
        assert isinstance(pads, list)
        assert isinstance(strides, list)
        top, left, bottom, right = pads
        self.pads, self.strides = (left, right, top, bottom), tuple(strides)
        channels_in, *sides = shape
        square = sides[0] == sides[1] and weight[2] == weight[3] and strides[0] == strides[1]
        plan = None
        if square and (top, bottom) == (left, right):
            plan = Plan.of(
                Shape(channels_in, weight[0], weight[2], strides[0], (top, bottom), sides[0])
            )
        self.spectral = SpectralProduct(plan) if plan and plan.pays else None

    @property
    def kernel(self) -> Tensor:
        """What maps are convolved with, [out, in, k, k]."""
        return self.weight * self.envelope

    def multiplications_on(self, device: torch.device, pixels: int) -> int:
        """Of the way that is taken there, for one image; pixels: of the output."""
        if spectral := self.spectral_on(device):
            return spectral.plan.multiplications
        return pixels * self.weight.numel()

    def spectral_on(self, device: torch.device) -> SpectralProduct | None:
        """The way through the Fourier transform, where it is taken."""
        return self.spectral if device.type == "cpu" else None

    def forward(self, images: Tensor) -> Tensor:
        """Convolves maps by the usual algorithm, without the bias."""
        return F.conv2d(F.pad(images, self.pads), self.kernel, stride=self.strides)


class ConvolutionSum(nn.Module):
    """The sum of one or more convolutions, and perhaps the batch norm behind it.

    Convolutions that are computed by the Fourier transform are added before they come back.
    """

    def __init__(self, terms: Sequence[PlainConvolution], *, batch_norm: bool = False) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)
        self.norm = BatchNorm2d(len(terms[0].weight)) if batch_norm else None

    @property
    def convolutions(self) -> list[PlainConvolution]:
        """The terms."""
        return [term for term in self.terms if isinstance(term, PlainConvolution)]

    def multiplications(self, output: Tensor) -> int:
        """Of the ways that are taken, for one image; output: of a batch."""
        pixels = output[0, 0].numel()
        return sum(term.multiplications_on(output.device, pixels) for term in self.convolutions)

    def forward(self, maps: Mapping[str, Tensor], spectra: Spectra) -> Tensor:
        """Adds the convolutions of the maps that the terms name, and normalises the sum.

        spectra: of the maps so far; those of this sum are added.
        """
        output = self._summed(maps, spectra)
        return output if self.norm is None else self.norm(output)

    def constants(self, index: int) -> tuple[Tensor, ...]:
        """The kernel and perhaps the bias of a term in evaluation mode.

        What a batch norm adds is the first term's bias.
        """
        term = self.convolutions[index]
        if self.norm is None:
            return (term.kernel,) if term.bias is None else (term.kernel, term.bias)
        scale, shift = scale_and_shift(self.norm)
        kernel = term.kernel.double() * scale.view(-1, 1, 1, 1)
        return (kernel,) if index else (kernel, shift)

    def _summed(self, maps: Mapping[str, Tensor], spectra: Spectra) -> Tensor:
        summands: list[Tensor] = []
        products: dict[int, tuple[SpectralProduct, Tensor]] = {}
        for term in self.convolutions:
            images = maps[term.source]
            if term.bias is not None:
                summands.append(term.bias.view(1, -1, 1, 1))
            spectral = term.spectral_on(images.device)
            if spectral is None:
                summands.append(term(images))
                continue
            period = spectral.plan.period
            key = (term.source, spectral.plan.shape.stride, period)
            if key not in spectra:
                spectra[key] = spectral.spectrum(images)
            product = spectral.product(spectra[key], term.kernel)
            if period in products:
                product = products[period][1] + product
            products[period] = spectral, product
        summands += [spectral.maps(product) for spectral, product in products.values()]
        total, *others = summands
        for summand in others:
            total = total + summand
        return total
