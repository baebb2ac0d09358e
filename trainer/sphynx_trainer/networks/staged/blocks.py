"""The blocks of networks of stages: what one computes, how it is exported, what it costs.

RegNet-X and ConvNeXt-V2 are here to be compared with HybReNets at equal ReLUs (DeepReShape). Where
the protocol has no cheap counterpart they differ from their papers, as their classes say.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from ..base.counting import ConvolutionShape, LayerCount, relu_layer
from ..base.graph import GraphBuilder
from .conv_norm import ConvNorm


@dataclass(frozen=True)
class BlockShape:
    """channels_in, channels: of the input and the output; size: rows of the output.

    group_width: channels of a group, for blocks that have groups.
    """

    channels_in: int
    channels: int
    stride: int
    size: int
    group_width: int = 1

    @property
    def same(self) -> bool:
        """Whether the input can be added to the output as it is."""
        return self.stride == 1 and self.channels_in == self.channels

    def convolution(self, kernel: int) -> ConvolutionShape:
        """A convolution of as many channels as the output has, at its size."""
        return ConvolutionShape(self.channels, self.channels, kernel, self.size)

    def shortcuts(self) -> list[ConvolutionShape]:
        """The 1x1 convolution around a block of a new shape; none for the same shape."""
        return (
            [] if self.same else [ConvolutionShape(self.channels_in, self.channels, 1, self.size)]
        )


class Block(nn.Module):
    """What a block is; subclasses are made of a shape alone."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's output [N, channels, H / stride, W / stride]."""
        raise NotImplementedError

    def append_to(self, graph: GraphBuilder, name: str, source: str) -> str:
        """Adds the block in evaluation mode, its batch norms folded."""
        raise NotImplementedError

    @classmethod
    def count(cls, name: str, shape: BlockShape) -> list[LayerCount]:
        """The costs of a block of that name, by layers."""
        raise NotImplementedError


def shortcut_of(shape: BlockShape) -> ConvNorm | None:
    """The 1x1 convolution that brings a block's input to its output's shape, if they differ."""
    return None if shape.same else ConvNorm(shape.channels_in, shape.channels, 1, shape.stride)


class BasicBlock(Block):
    """relu(conv(relu(conv(x))) + x); a new shape takes x through a 1x1 convolution."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        self.conv1 = ConvNorm(shape.channels_in, shape.channels, 3, shape.stride)
        self.relu1 = nn.ReLU()
        self.conv2 = ConvNorm(shape.channels, shape.channels, 3)
        self.shortcut = shortcut_of(shape)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's output [N, channels, H / stride, W / stride]."""
        residual = x if self.shortcut is None else self.shortcut(x)
        result: Tensor = self.relu2(self.conv2(self.relu1(self.conv1(x))) + residual)
        return result

    def append_to(self, graph: GraphBuilder, name: str, source: str) -> str:
        """Adds the block in evaluation mode, its batch norms folded."""
        inner = self.conv1.append_to(graph, f"{name}/conv1", source)
        inner = graph.activation(f"{name}/relu1", inner, self.relu1)
        inner = self.conv2.append_to(graph, f"{name}/conv2", inner)
        if self.shortcut is not None:
            source = self.shortcut.append_to(graph, f"{name}/shortcut", source)
        total = graph.node(f"{name}/add", "Add", (inner, source))
        return graph.activation(f"{name}/relu2", total, self.relu2)

    @classmethod
    def count(cls, name: str, shape: BlockShape) -> list[LayerCount]:
        """The costs of both layers."""
        first = ConvolutionShape(shape.channels_in, shape.channels, 3, shape.size)
        second = [shape.convolution(3), *shape.shortcuts()]
        return [relu_layer(f"{name}.relu1", first), relu_layer(f"{name}.relu2", *second)]


class RegNetBlock(Block):
    """The X block of RegNet (Radosavovic et al., CVPR'20), with a bottleneck ratio of 1.

    It computes relu(1x1(relu(3x3 in groups(relu(1x1(x))))) + x). The 3x3 convolution has the
    stride, so the first ReLU of a stage acts on the larger map.
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        channels, groups = shape.channels, shape.channels // shape.group_width
        self.conv1 = ConvNorm(shape.channels_in, channels, 1)
        self.relu1 = nn.ReLU()
        self.conv2 = ConvNorm(channels, channels, 3, shape.stride, groups)
        self.relu2 = nn.ReLU()
        self.conv3 = ConvNorm(channels, channels, 1)
        self.shortcut = shortcut_of(shape)
        self.relu3 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's output."""
        inner = self.relu2(self.conv2(self.relu1(self.conv1(x))))
        residual = x if self.shortcut is None else self.shortcut(x)
        result: Tensor = self.relu3(self.conv3(inner) + residual)
        return result

    def append_to(self, graph: GraphBuilder, name: str, source: str) -> str:
        """Adds the block in evaluation mode, its batch norms folded."""
        inner = self.conv1.append_to(graph, f"{name}/conv1", source)
        inner = graph.activation(f"{name}/relu1", inner, self.relu1)
        inner = self.conv2.append_to(graph, f"{name}/conv2", inner)
        inner = graph.activation(f"{name}/relu2", inner, self.relu2)
        inner = self.conv3.append_to(graph, f"{name}/conv3", inner)
        if self.shortcut is not None:
            source = self.shortcut.append_to(graph, f"{name}/shortcut", source)
        total = graph.node(f"{name}/add", "Add", (inner, source))
        return graph.activation(f"{name}/relu3", total, self.relu3)

    @classmethod
    def count(cls, name: str, shape: BlockShape) -> list[LayerCount]:
        """The costs of the three layers."""
        channels, size = shape.channels, shape.size
        groups = channels // shape.group_width
        first = ConvolutionShape(shape.channels_in, channels, 1, size * shape.stride)
        grouped = ConvolutionShape(channels, channels, 3, size, groups)
        return [
            relu_layer(f"{name}.relu1", first),
            relu_layer(f"{name}.relu2", grouped),
            relu_layer(f"{name}.relu3", shape.convolution(1), *shape.shortcuts()),
        ]


EXPANSION = 4
"""Hidden channels of a ConvNeXt block over its own."""


class ConvNeXtBlock(Block):
    """The block of ConvNeXt-V2 (Woo et al., CVPR'23) as private inference can compute it.

    It computes x + 1x1(relu(1x1(7x7 of every channel(x)))), with four times the channels in
    between. A ReLU stands for GELU, and batch norms, which fold into the convolutions, for the
    layer norm. Global response normalisation is left out, for it divides by a norm of the maps.
    Where the shape changes, a convolution as large as its stride comes first.
    """

    def __init__(self, shape: BlockShape) -> None:
        super().__init__(shape)
        channels, hidden = shape.channels, EXPANSION * shape.channels
        self.down = None
        if not shape.same:
            self.down = ConvNorm(shape.channels_in, channels, shape.stride, shape.stride)
        self.depthwise = ConvNorm(channels, channels, 7, groups=channels)
        self.expand = ConvNorm(channels, hidden, 1)
        self.relu = nn.ReLU()
        self.project = ConvNorm(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's output, after which there is no ReLU."""
        x = x if self.down is None else self.down(x)
        result: Tensor = x + self.project(self.relu(self.expand(self.depthwise(x))))
        return result

    def append_to(self, graph: GraphBuilder, name: str, source: str) -> str:
        """Adds the block in evaluation mode, its batch norms folded."""
        if self.down is not None:
            source = self.down.append_to(graph, f"{name}/down", source)
        inner = self.depthwise.append_to(graph, f"{name}/depthwise", source)
        inner = self.expand.append_to(graph, f"{name}/expand", inner)
        inner = graph.activation(f"{name}/relu", inner, self.relu)
        inner = self.project.append_to(graph, f"{name}/project", inner)
        return graph.node(f"{name}/add", "Add", (inner, source))

    @classmethod
    def count(cls, name: str, shape: BlockShape) -> list[LayerCount]:
        """The costs of the hidden layer and of the projection behind it."""
        channels, size = shape.channels, shape.size
        parts = [
            ConvolutionShape(channels, EXPANSION * channels, 1, size),
            ConvolutionShape(channels, channels, 7, size, groups=channels),
        ]
        if not shape.same:
            parts.append(ConvolutionShape(shape.channels_in, channels, shape.stride, size))
        project = ConvolutionShape(EXPANSION * channels, channels, 1, size)
        return [
            relu_layer(f"{name}.relu", *parts),
            relu_layer(f"{name}.project", project, relu=False),
        ]


BLOCKS: dict[str, type[Block]] = {
    "basic": BasicBlock,
    "regnet": RegNetBlock,
    "convnext": ConvNeXtBlock,
}
"""By the name that a plan has."""
