"""The operations a Sphynx cell may use; all are linear in evaluation mode (section 4.1)."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
    """Convolution and batch norm, without ReLU."""

    def __init__(
        self, channels_in: int, channels: int, size: int, dilation: int = 1, stride: int = 1
    ) -> None:
        super().__init__()
        self.reach = _around(size, dilation)
        self.stride = stride
        self.conv = nn.Conv2d(
            channels_in, channels, size, stride=stride, dilation=dilation, bias=False
        )
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, patch: Tensor) -> Tensor:
        result: Tensor = self.norm(self.conv(patch))
        return result

    def kernel(self) -> tuple[Kernel, Tensor]:
        dense = _spread(self.conv.weight.double(), self.conv.dilation[0])
        return _normalised(Kernel(dense, self.reach.first, self.stride), self.norm)


FACTORIZED_REACH = Reach(0, 1)


class FactorizedReduce(Operation):
    """Two 1x1 convolutions of stride 2 on grids shifted by one pixel, concatenated, batch norm."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.reach = FACTORIZED_REACH
        self.stride = 2
        self.even = nn.Conv2d(channels_in, channels - channels // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(channels_in, channels // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, patch: Tensor) -> Tensor:
        shifted = patch[..., 1:, 1:]
        grids = torch.cat((self.even(patch), self.odd(shifted)), dim=1)
        result: Tensor = self.norm(grids)
        return result

    def kernel(self) -> tuple[Kernel, Tensor]:
        even = F.pad(self.even.weight.double(), (0, 1, 0, 1))
        odd = F.pad(self.odd.weight.double(), (1, 0, 1, 0))
        return _normalised(Kernel(torch.cat((even, odd)), self.reach.first, 2), self.norm)


class Skip(Operation):
    """The identity."""

    reach = Reach(0, 0)
    stride = 1

    def forward(self, patch: Tensor) -> Tensor:
        return patch

    def affine(self, before: AffineMap) -> AffineMap:
        return before


class AveragePool(Operation):
    """3x3 average; where it changes size it also changes channels, by a 1x1 ConvBN."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.reach = _around(3)
        self.stride = stride
        self.channels = channels_in
        self.project = None if stride == 1 else ConvBN(channels_in, channels, size=1)

    def forward(self, patch: Tensor) -> Tensor:
        pooled = F.avg_pool2d(patch, kernel_size=3, stride=self.stride)
        return pooled if self.project is None else self.project(pooled)

    def kernel(self) -> tuple[Kernel, Tensor]:
        identity = torch.eye(self.channels, dtype=torch.float64)[:, :, None, None]
        box = Kernel(identity.expand(-1, -1, 3, 3) / 9, self.reach.first, self.stride)
        if self.project is None:
            return box, box.weight.new_zeros(self.channels)
        project, bias = self.project.kernel()
        return project.after(box), bias


class Zero(Operation):
    """No connection."""

    reach = Reach(0, 0)

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels = channels
        self.stride = stride

    def forward(self, patch: Tensor) -> Tensor:
        grid = patch[..., :: self.stride, :: self.stride]
        return grid.new_zeros(grid.shape[0], self.channels, *grid.shape[2:])

    def affine(self, before: AffineMap) -> AffineMap:
        return AffineMap({}, before.bias.new_zeros(self.channels))


CONVOLUTIONS = {
    "conv3x3": (3, 1),
    "conv5x5": (5, 1),
    "dilated3x3": (3, 2),
    "dilated5x5": (5, 2),
}
"""Name -> (kernel size, dilation)."""

OPERATIONS = (*CONVOLUTIONS, "average_pool", "skip", "zero")


def make_operation(name: str, channels_in: int, channels: int, stride: int) -> Operation:
    """The named operation. Channels may change only together with the size (stride 2).

    Raises ValueError for an unknown name or an impossible change of shape.
    """
    if stride == 1 and channels_in != channels:
        raise ValueError(f"{name}: stride 1 keeps the channels, got {channels_in} -> {channels}")
    if name in CONVOLUTIONS:
        size, dilation = CONVOLUTIONS[name]
        return ConvBN(channels_in, channels, size, dilation, stride)
    if name == "average_pool":
        return AveragePool(channels_in, channels, stride)
    if name == "skip":
        return Skip() if stride == 1 else FactorizedReduce(channels_in, channels)
    if name == "zero":
        return Zero(channels, stride)
    raise ValueError(f"unknown operation {name!r}; expected one of {', '.join(OPERATIONS)}")


def reach_of(name: str, stride: int) -> Reach | None:
    """The named operation's reach, without building it; None for zero, which reads nothing."""
    if name in CONVOLUTIONS:
        return _around(*CONVOLUTIONS[name])
    if name == "average_pool":
        return _around(3)
    if name == "skip":
        return FACTORIZED_REACH if stride == 2 else Skip.reach
    if name == "zero":
        return None
    raise ValueError(f"unknown operation {name!r}; expected one of {', '.join(OPERATIONS)}")


def _around(size: int, dilation: int = 1) -> Reach:
    """The reach of a window of odd size around each pixel."""
    radius = dilation * (size // 2)
    return Reach(-radius, radius)


def _spread(weight: Tensor, dilation: int) -> Tensor:
    """A dilated kernel as a dense one, with zeros between its taps."""
    size = dilation * (weight.shape[-1] - 1) + 1
    dense = weight.new_zeros(*weight.shape[:2], size, size)
    dense[..., ::dilation, ::dilation] = weight
    return dense


def _normalised(kernel: Kernel, norm: nn.BatchNorm2d) -> tuple[Kernel, Tensor]:
    """Folds a batch norm, in inference form, into the convolution before it."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = kernel.weight * scale.view(-1, 1, 1, 1)
    return replace(kernel, weight=weight), norm.bias.double() - norm.running_mean.double() * scale
