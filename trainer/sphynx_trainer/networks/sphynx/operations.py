"""The operations a Sphynx cell may use; all are linear in evaluation mode (section 4.1)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .affine import AffineMap, Kernel
from .convolutions import (
    FACTORIZED_REACH,
    ConvBN,
    FactorizedReduce,
    Operation,
    Twice,
    around,
    twice,
)
from .margins import Reach


class Skip(Operation):
    """The identity."""

    reach = Reach(0, 0)
    stride = 1

    def forward(self, patch: Tensor) -> Tensor:
        """Returns the patch."""
        return patch

    def affine(self, before: AffineMap) -> AffineMap:
        """Returns what comes before."""
        return before


class AveragePool(Operation):
    """3x3 average; where it changes channels it has a 1x1 ConvBN after it."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.reach = around(3)
        self.stride = stride
        self.channels = channels_in
        self.project = None if channels_in == channels else ConvBN(channels_in, channels, size=1)

    def forward(self, patch: Tensor) -> Tensor:
        """Averages a patch, and projects it where the channels change."""
        pooled = F.avg_pool2d(patch, kernel_size=3, stride=self.stride)
        return pooled if self.project is None else self.project(pooled)

    def kernel(self) -> tuple[Kernel, Tensor]:
        """Returns the average as a convolution, composed with the projection."""
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
        """Returns zeros of the shape that another operation would give."""
        grid = patch[..., :: self.stride, :: self.stride]
        return grid.new_zeros(grid.shape[0], self.channels, *grid.shape[2:])

    def affine(self, before: AffineMap) -> AffineMap:
        """Returns the map that reads nothing."""
        return AffineMap({}, before.bias.new_zeros(self.channels))


CONVOLUTIONS = {
    "conv3x3": (3, 1),
    "conv5x5": (5, 1),
    "dilated3x3": (3, 2),
    "dilated5x5": (5, 2),
}
"""Name -> (kernel size, dilation)."""

OPERATIONS = (*CONVOLUTIONS, "average_pool", "skip", "zero")


REPEATED = ("conv3x3", "conv5x5")
"""The operations that the paper's form of a cell applies twice in a row."""


def make_operation(
    name: str,
    channels_in: int,
    channels: int,
    stride: int,
    *,
    repeat: bool = False,
    separable: bool = False,
) -> Operation:
    """The named operation. Channels may change only together with the size (stride 2).

    separable: as of ConvBN. repeat: convolves twice where the operation is one of REPEATED; it then
    keeps the channels.

    Raises ValueError for an unknown name or an impossible change of shape.
    """
    if stride == 1 and channels_in != channels:
        raise ValueError(f"{name}: stride 1 keeps the channels, got {channels_in} -> {channels}")
    if name in CONVOLUTIONS:
        size, dilation = CONVOLUTIONS[name]
        if repeat and name in REPEATED:
            if channels_in != channels:
                raise ValueError(
                    f"{name} twice keeps the channels, got {channels_in} -> {channels}"
                )
            return Twice(channels, size, stride, separable=separable)
        return ConvBN(channels_in, channels, size, dilation, stride, separable=separable)
    if name == "average_pool":
        return AveragePool(channels_in, channels, stride)
    if name == "skip":
        return Skip() if stride == 1 else FactorizedReduce(channels_in, channels)
    if name == "zero":
        return Zero(channels, stride)
    raise ValueError(f"unknown operation {name!r}; expected one of {', '.join(OPERATIONS)}")


def reach_of(name: str, stride: int, *, repeat: bool = False) -> Reach | None:
    """The named operation's reach, without building it; None for zero, which reads nothing."""
    if name in CONVOLUTIONS:
        reach = around(*CONVOLUTIONS[name])
        return twice(reach, stride) if repeat and name in REPEATED else reach
    if name == "average_pool":
        return around(3)
    if name == "skip":
        return FACTORIZED_REACH if stride == 2 else Skip.reach
    if name == "zero":
        return None
    raise ValueError(f"unknown operation {name!r}; expected one of {', '.join(OPERATIONS)}")
