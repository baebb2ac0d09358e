"""The convolutions that Sphynx cells are made of; all are linear in evaluation mode."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..base.batch_norm import BatchNorm2d, scale_and_shift
from .affine import AffineMap, Kernel
from .margins import Reach


class Operation(nn.Module):
    """A linear map between patches. Subclasses set `reach` and `stride` and never pad."""

    reach: Reach
    stride: int

    def kernel(self) -> tuple[Kernel, Tensor]:
        """The convolution (and bias) that this operation is in evaluation mode, in float64."""
        raise NotImplementedError

    def affine(self, before: AffineMap) -> AffineMap:
        """This operation in evaluation mode, applied to the result of `before`."""
        return before.then(*self.kernel())


class ConvBN(Operation):
    """Convolution and batch norm, without ReLU.

    scaled: the norm has a scale and a shift. separable: the convolution is one of every channel by
    itself and a 1x1 convolution after it.
    """

    def __init__(
        self,
        channels_in: int,
        channels: int,
        size: int,
        dilation: int = 1,
        stride: int = 1,
        *,
        scaled: bool = True,
        separable: bool = False,
    ) -> None:
        super().__init__()
        self.reach = around(size, dilation)
        self.stride = stride
        self.pointwise = nn.Conv2d(channels_in, channels, 1, bias=False) if separable else None
        self.conv = nn.Conv2d(
            channels_in,
            channels_in if separable else channels,
            size,
            stride=stride,
            dilation=dilation,
            groups=channels_in if separable else 1,
            bias=False,
        )
        self.norm = BatchNorm2d(channels, affine=scaled)

    def forward(self, patch: Tensor) -> Tensor:
        """Convolves a patch and normalises the result."""
        convolved = self.conv(patch)
        if self.pointwise is not None:
            convolved = self.pointwise(convolved)
        result: Tensor = self.norm(convolved)
        return result

    def kernel(self) -> tuple[Kernel, Tensor]:
        """Returns the convolution with its batch norm folded in."""
        weight = self.conv.weight.double()
        if self.pointwise is not None:
            weight = self.pointwise.weight.double() * weight.transpose(0, 1)
        dense = _spread(weight, self.conv.dilation[0])
        return _normalised(Kernel(dense, self.reach.first, self.stride), self.norm)


class Twice(Operation):
    """Conv-BN-Conv-BN with kernels of one size; the first has the stride (Sphynx, section 4.1)."""

    def __init__(self, channels: int, size: int, stride: int, *, separable: bool = False) -> None:
        super().__init__()
        self.reach = twice(around(size), stride)
        self.stride = stride
        self.first = ConvBN(channels, channels, size, stride=stride, separable=separable)
        self.second = ConvBN(channels, channels, size, separable=separable)

    def forward(self, patch: Tensor) -> Tensor:
        """Applies both convolutions to a patch."""
        result: Tensor = self.second(self.first(patch))
        return result

    def affine(self, before: AffineMap) -> AffineMap:
        """Composes both convolutions with what comes before."""
        return self.second.affine(self.first.affine(before))


FACTORIZED_REACH = Reach(0, 1)


class FactorizedReduce(Operation):
    """Two 1x1 convolutions of stride 2 on grids shifted by one pixel, concatenated, batch norm.

    scaled: as of ConvBN. The convolutions read every second pixel rather than stride: oneDNN's
    float32 gradient of a strided 1x1 convolution writes outside its memory for some sizes.
    """

    def __init__(self, channels_in: int, channels: int, *, scaled: bool = True) -> None:
        super().__init__()
        self.reach = FACTORIZED_REACH
        self.stride = 2
        self.even = nn.Conv2d(channels_in, channels - channels // 2, 1, bias=False)
        self.odd = nn.Conv2d(channels_in, channels // 2, 1, bias=False)
        self.norm = BatchNorm2d(channels, affine=scaled)

    def forward(self, patch: Tensor) -> Tensor:
        """Returns a map of half the size, from both grids of a patch."""
        even, odd = patch[..., ::2, ::2], patch[..., 1::2, 1::2]
        grids = torch.cat((self.even(even), self.odd(odd)), dim=1)
        result: Tensor = self.norm(grids)
        return result

    def kernel(self) -> tuple[Kernel, Tensor]:
        """Returns both 1x1 convolutions as one of 2x2, with the batch norm folded in."""
        even = F.pad(self.even.weight.double(), (0, 1, 0, 1))
        odd = F.pad(self.odd.weight.double(), (1, 0, 1, 0))
        return _normalised(Kernel(torch.cat((even, odd)), self.reach.first, 2), self.norm)


def around(size: int, dilation: int = 1) -> Reach:
    """The reach of a window of odd size around each pixel."""
    radius = dilation * (size // 2)
    return Reach(-radius, radius)


def twice(reach: Reach, stride: int) -> Reach:
    """The reach of two windows in a row, the first of them with the stride."""
    return Reach(*(stride * row + row for row in reach))


def _spread(weight: Tensor, dilation: int) -> Tensor:
    """A dilated kernel as a dense one, with zeros between its taps."""
    size = dilation * (weight.shape[-1] - 1) + 1
    dense = weight.new_zeros(*weight.shape[:2], size, size)
    dense[..., ::dilation, ::dilation] = weight
    return dense


def _normalised(kernel: Kernel, norm: nn.BatchNorm2d) -> tuple[Kernel, Tensor]:
    """Folds a batch norm, in inference form, into the convolution before it."""
    scale, shift = scale_and_shift(norm)
    return replace(kernel, weight=kernel.weight * scale.view(-1, 1, 1, 1)), shift
