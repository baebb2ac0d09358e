"""VGG11 (Simonyan and Zisserman, ICLR'15), scaled by its first channels, averaging where it pools.

With ImageNet's two hidden layers of 4096 its ReLUs are those of table 16 of the Sphynx paper.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..base.classifier import Classifier
from ..base.counting import ConvolutionShape, NetworkCount, linear_layer, relu_layer
from ..base.graph import IMAGE_INPUT, LOGITS_OUTPUT, Graph, GraphBuilder
from .conv_norm import ConvNorm

STAGES = ((1,), (2,), (4, 4), (8, 8), (8, 8))
"""Channels of every convolution over the first one's; each stage ends in a 2x2 pool."""


@dataclass(frozen=True)
class VGG11Config:
    """channels: of the first convolution, 64 unscaled; hidden: widths of the hidden layers.

    Without hidden layers the last pool is global.
    """

    channels: int = 64
    hidden: tuple[int, ...] = ()
    image_size: int = 32
    classes: int = 100

    def __post_init__(self) -> None:
        if self.image_size % 32:
            raise ValueError(f"image size {self.image_size} is not a multiple of 32")

    def places(self) -> list[tuple[int, ConvolutionShape]]:
        """(stage, shape) of every convolution."""
        places = []
        channels_in = 3
        for stage, factors in enumerate(STAGES):
            for factor in factors:
                width, size = factor * self.channels, self.image_size // 2**stage
                places.append((stage, ConvolutionShape(channels_in, width, 3, size)))
                channels_in = width
        return places

    def dense(self) -> list[tuple[int, int]]:
        """(features in, features) of every fully connected layer, the classifier last."""
        side = self.image_size // 32 if self.hidden else 1
        widths = (STAGES[-1][-1] * self.channels * side**2, *self.hidden, self.classes)
        return list(pairwise(widths))


class VGG11(Classifier):
    """Eight convolutions, each with batch norm and ReLU, and fully connected layers."""

    def __init__(self, config: VGG11Config) -> None:
        super().__init__()
        self.config = config
        shapes = [shape for _, shape in config.places()]
        self.convolutions = nn.ModuleList(
            ConvNorm(shape.channels_in, shape.channels, shape.kernel) for shape in shapes
        )
        self.relus = nn.ModuleList(nn.ReLU() for _ in shapes)
        *hidden, last = config.dense()
        self.hidden = nn.ModuleList(nn.Linear(*widths) for widths in hidden)
        self.hidden_relus = nn.ModuleList(nn.ReLU() for _ in hidden)
        self.classify = nn.Linear(*last)
        self.initialise("relu")

    def block_outputs(self, images: Tensor) -> list[Tensor]:
        """Returns every convolution's output after its ReLU."""
        outputs: list[Tensor] = []
        x, previous = images, 0
        modules = zip(self.config.places(), self.convolutions, self.relus, strict=True)
        for (stage, _), convolution, relu in modules:
            if stage != previous:
                x, previous = F.avg_pool2d(x, 2), stage
            x = relu(convolution(x))
            outputs.append(x)
        return outputs

    def head(self, output: Tensor) -> Tensor:
        """Returns the logits, through fully connected layers where the network has them."""
        if not self.hidden:
            return super().head(output)
        x = torch.flatten(F.avg_pool2d(output, 2), 1)
        for layer, relu in zip(self.hidden, self.hidden_relus, strict=True):
            x = relu(layer(x))
        logits: Tensor = self.classify(x)
        return logits

    def graph(self) -> Graph:
        """The plain graph in evaluation mode."""
        graph, source, previous = GraphBuilder(), IMAGE_INPUT, 0
        modules = zip(self.config.places(), self.convolutions, self.relus, strict=True)
        for index, ((stage, _), convolution, relu) in enumerate(modules):
            if stage != previous:
                source, previous = graph.average_pool(f"pool{previous}", source), stage
            assert isinstance(convolution, ConvNorm)
            source = convolution.append_to(graph, f"layer{index}/conv", source)
            source = graph.activation(f"layer{index}/relu", source, relu)
        self._append_head(graph, source)
        return graph.graph(self.config.image_size, self.config.classes)

    def _append_head(self, graph: GraphBuilder, source: str) -> None:
        if not self.hidden:
            graph.classify(source, self.classify)
            return
        source = graph.average_pool("head/pool", source)
        source = graph.node("head/features", "Flatten", (source,), axis=1)
        for index, (layer, relu) in enumerate(zip(self.hidden, self.hidden_relus, strict=True)):
            assert isinstance(layer, nn.Linear)
            source = graph.linear(f"hidden{index}/gemm", source, layer, f"hidden{index}")
            source = graph.activation(f"hidden{index}/relu", source, relu)
        graph.linear(LOGITS_OUTPUT, source, self.classify, "head")


def count_vgg11(config: VGG11Config) -> NetworkCount:
    """The costs of `VGG11(config)` per ReLU layer."""
    *hidden, last = config.dense()
    return NetworkCount(
        (
            *(
                relu_layer(f"relus.{index}", shape)
                for index, (_, shape) in enumerate(config.places())
            ),
            *(
                linear_layer(f"hidden_relus.{index}", *widths, relu=True)
                for index, widths in enumerate(hidden)
            ),
            linear_layer("classify", *last),
        )
    )
