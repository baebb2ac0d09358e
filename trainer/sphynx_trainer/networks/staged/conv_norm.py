"""Convolution and batch norm with ordinary zero padding, for networks without cells."""

from torch import Tensor, nn

from ..base.batch_norm import scale_and_shift
from ..base.graph import GraphBuilder


class ConvNorm(nn.Module):
    """Convolution and batch norm, without ReLU. A map keeps its size but for the stride.

    size: of the kernel, odd, or as large as the stride.
    """

    def __init__(
        self, channels_in: int, channels: int, size: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels_in,
            channels,
            size,
            stride=stride,
            padding=(size - 1) // 2,
            groups=groups,
            bias=False,
        )
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Convolves maps and normalises the result."""
        result: Tensor = self.norm(self.conv(x))
        return result

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the convolution that this is in evaluation mode, in float64."""
        scale, shift = scale_and_shift(self.norm)
        return self.conv.weight.double() * scale.view(-1, 1, 1, 1), shift

    def append_to(self, graph: GraphBuilder, name: str, source: str) -> str:
        """Adds the folded convolution."""
        weight, bias = self.folded()
        pad = (self.conv.kernel_size[0] - 1) // 2
        constants = {f"{name}_weight": weight, f"{name}_bias": bias}
        stride, groups = self.conv.stride[0], self.conv.groups
        return graph.conv(name, source, constants, stride, (pad, pad, pad, pad), groups)
