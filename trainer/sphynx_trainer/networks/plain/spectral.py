"""Convolutions of small maps with large kernels through the discrete Fourier transform.

A collapsed cell has kernels larger than its maps. After the transform such a convolution is one
product of matrices per wave, with an eighth of the multiplications. The transforms of so small maps
are products with constant matrices too, so a step of training consists of them alone.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .transforms import TwoStepTransform, WholeTransform, angles

WORTH = 2.0
"""How many times fewer multiplications make the transform worth its additions and copies."""
TWO_STEPS = 16
"""Periods from which on a transform of maps takes less time in two steps."""
BATCH = 128
"""Images over which the transform of a kernel is counted."""


@dataclass(frozen=True)
class Shape:
    """A square convolution.

    side: of the map that it reads, without padding; pads: zeros before and after, the same for rows
    and columns.
    """

    channels_in: int
    channels: int
    kernel: int
    stride: int
    pads: tuple[int, int]
    side: int

    @property
    def side_out(self) -> int:
        """Rows and columns of the output."""
        return (self.side + sum(self.pads) - self.kernel) // self.stride + 1

    @property
    def multiplications(self) -> int:
        """Of the usual algorithm, for one image."""
        return self.side_out**2 * self.channels * self.channels_in * self.kernel**2


@dataclass(frozen=True)
class Plan:
    """How a convolution with a stride s is computed as one without, of s * s times the channels.

    Each of the s * s grids of every s-th row and column of the input becomes a channel of its own,
    of side m. Then y[o] = sum over d of w[d] x[o + d], where d runs over `taps` numbers from
    `first` on. zeros: around the kernel, so that s divides its side. period: of the transform, so
    long that no tap reaches around it.
    """

    shape: Shape
    side: int
    zeros: tuple[int, int]
    taps: int
    first: int
    period: int

    @classmethod
    def of(cls, shape: Shape) -> Self | None:
        """The plan, or None for a shape that the transform does not fit."""
        stride, before = shape.stride, shape.pads[0]
        if shape.side % stride or shape.side_out != shape.side // stride:
            return None
        lead = -before % stride
        trail = -(shape.kernel + lead) % stride
        taps = (shape.kernel + lead + trail) // stride
        first = -(before + lead) // stride
        side = shape.side_out
        period = side + max(-first, first + taps - 1)
        return cls(shape, side, (lead, trail), taps, first, period + period % 2)

    @property
    def transform(self) -> type[WholeTransform | TwoStepTransform]:
        """The quicker one."""
        return TwoStepTransform if self.period >= TWO_STEPS else WholeTransform

    @property
    def multiplications(self) -> int:
        """For one image of a batch."""
        waves = self.transform.count(self.period)
        channels = self.shape.channels_in * self.shape.stride**2
        one_map = self.transform.multiplications(self.side, self.period)
        maps = one_map * (channels + self.shape.channels)
        products = 4 * waves * channels * self.shape.channels
        kernels = 2 * waves * self.taps**2 * channels * self.shape.channels
        return maps + products + kernels // BATCH

    @property
    def pays(self) -> bool:
        """Whether the transform saves enough."""
        return WORTH * self.multiplications <= self.shape.multiplications


class SpectralProduct(nn.Module):
    """[N, C, S, S] images, [out, C, k, k] kernels -> what F.conv2d gives for the plan's shape.

    The sums are those of the usual algorithm in another order; they differ in the last bits.
    """

    kernel_analysis: Tensor

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.transform = plan.transform(plan.side, plan.period)
        there = angles(self.transform.waves, torch.arange(plan.taps) + plan.first, plan.period)
        kernel_analysis = torch.cat((there.cos(), there.sin())).float()
        self.register_buffer("kernel_analysis", kernel_analysis, persistent=False)

    def forward(self, images: Tensor, kernels: Tensor) -> Tensor:
        """Convolves images [N, C, S, S] with kernels [out, C, k, k]."""
        return self.maps(self.product(self.spectrum(images), kernels))

    def spectrum(self, images: Tensor) -> Tensor:
        """Transforms images [N, C, S, S] to [waves, 2 N, C s^2], the real parts first."""
        plan, stride = self.plan, self.plan.shape.stride
        grids = images.reshape(len(images), -1, plan.side, stride, plan.side, stride)
        parts = self.transform.analyse(grids.permute(2, 4, 0, 1, 3, 5).flatten(2))
        channels = plan.shape.channels_in * stride**2
        return parts.view(-1, 2 * len(images), channels)

    def product(self, spectrum: Tensor, kernels: Tensor) -> Tensor:
        """Multiplies a spectrum by that of kernels [out, C, k, k]; [waves, 2, N, out]."""
        plan, stride = self.plan, self.plan.shape.stride
        channels, channels_out = plan.shape.channels_in * stride**2, plan.shape.channels
        if stride > 1:
            kernels = F.pad(kernels, plan.zeros * 2)
        kernels = kernels.reshape(channels_out, -1, plan.taps, stride, plan.taps, stride)
        kernels = kernels.permute(2, 4, 1, 3, 5, 0).reshape(plan.taps**2, -1)
        real, imaginary = (self.kernel_analysis @ kernels).view(2, -1, channels, channels_out)
        # Each product has the maps' real part in its first half, the imaginary one in the second.
        parts = (len(spectrum), 2, -1, channels_out)
        real_real, imaginary_real = torch.bmm(spectrum, real).view(parts).unbind(1)
        real_imaginary, both_imaginary = torch.bmm(spectrum, imaginary).view(parts).unbind(1)
        return torch.stack((real_real - both_imaginary, imaginary_real + real_imaginary), 1)

    def maps(self, product: Tensor) -> Tensor:
        """Transforms a product, or a sum of products of one period, back to [N, out, S', S']."""
        _, _, count, channels = product.shape
        output: Tensor = self.transform.synthesise(product.flatten(2))
        side = self.plan.side
        return output.view(side, side, count, channels).permute(2, 3, 0, 1)
