"""Residual networks of basic blocks (He et al., CVPR'16): ResNet18, ResNet32, HybReNets.

The stem for small images is one 3x3 convolution. The stem for ImageNet is 7x7 with stride 2 and
pools by averaging, not by the maximum, which private inference computes for nothing.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from ..base.classifier import Classifier
from ..base.counting import ConvolutionShape, LayerCount, NetworkCount, linear_layer, relu_layer
from ..base.graph import IMAGE_INPUT, Graph, GraphBuilder
from .conv_norm import ConvNorm


@dataclass(frozen=True)
class ResNetPlan:
    """The stages of a residual network; every stage but the first halves the map.

    widths: channels of each stage, the stem has those of the first; blocks: of each stage;
    stem_relu: whether a ReLU follows the stem.
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    image_size: int
    classes: int
    large_stem: bool = False
    stem_relu: bool = True

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.blocks) or min(self.widths + self.blocks) < 1:
            raise ValueError(f"expected widths and blocks per stage, got {self}")
        factor = 2 ** (len(self.widths) - 1) * (4 if self.large_stem else 1)
        if self.image_size % factor:
            raise ValueError(f"image size {self.image_size} is not a multiple of {factor}")

    def size(self, stage: int) -> int:
        """Rows (and columns) of a stage's maps."""
        return (self.image_size // (4 if self.large_stem else 1)) >> stage

    def places(self) -> list[tuple[str, int, int, int]]:
        """(name, stage, channels in, stride) of every block."""
        return [
            (
                f"stage{stage + 1}.{block}",
                stage,
                self.widths[stage if block else max(stage - 1, 0)],
                2 if stage and not block else 1,
            )
            for stage, count in enumerate(self.blocks)
            for block in range(count)
        ]


class BasicBlock(nn.Module):
    """relu(conv(relu(conv(x))) + x); a new shape takes x through a 1x1 convolution."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(channels_in, channels, 3, stride)
        self.relu1 = nn.ReLU()
        self.conv2 = ConvNorm(channels, channels, 3)
        same = stride == 1 and channels_in == channels
        self.shortcut = None if same else ConvNorm(channels_in, channels, 1, stride)
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


class ResNet(Classifier):
    """A residual network with the stages of a plan."""

    def __init__(self, plan: ResNetPlan) -> None:
        super().__init__()
        self.plan = plan
        size, stride = (7, 2) if plan.large_stem else (3, 1)
        self.stem = ConvNorm(3, plan.widths[0], size, stride)
        self.relu: nn.Module = nn.ReLU() if plan.stem_relu else nn.Identity()
        for stage in range(len(plan.widths)):
            self.add_module(f"stage{stage + 1}", nn.ModuleList())
        for name, stage, channels_in, block_stride in plan.places():
            block = BasicBlock(channels_in, plan.widths[stage], block_stride)
            _stage_of(self, name).append(block)
        self.classify = nn.Linear(plan.widths[-1], plan.classes)
        self.initialise("relu")

    def blocks(self) -> dict[str, BasicBlock]:
        """All blocks in order, by name."""
        return {
            name: block for name, block in self.named_modules() if isinstance(block, BasicBlock)
        }

    def block_outputs(self, images: Tensor) -> list[Tensor]:
        """Returns every block's output."""
        x = self.relu(self.stem(images))
        if self.plan.large_stem:
            x = F.avg_pool2d(x, 2)
        outputs = []
        for block in self.blocks().values():
            x = block(x)
            outputs.append(x)
        return outputs

    def graph(self) -> Graph:
        """The plain graph in evaluation mode."""
        graph = GraphBuilder()
        source = self.stem.append_to(graph, "stem/conv", IMAGE_INPUT)
        if self.plan.stem_relu:
            source = graph.activation("stem/relu", source, self.relu)
        if self.plan.large_stem:
            source = graph.average_pool("stem/pool", source)
        for name, block in self.blocks().items():
            source = block.append_to(graph, name.replace(".", "/block"), source)
        graph.classify(source, self.classify)
        return graph.graph(self.plan.image_size, self.plan.classes)


def count_resnet(plan: ResNetPlan) -> NetworkCount:
    """The costs of `ResNet(plan)` per ReLU layer."""
    kernel, size = (7, plan.image_size // 2) if plan.large_stem else (3, plan.image_size)
    stem = ConvolutionShape(3, plan.widths[0], kernel, size)
    layers: list[LayerCount] = [relu_layer("relu", stem, relu=plan.stem_relu)]
    for name, stage, channels_in, stride in plan.places():
        width, size = plan.widths[stage], plan.size(stage)
        first = ConvolutionShape(channels_in, width, 3, size)
        parts = [ConvolutionShape(width, width, 3, size)]
        if stride != 1 or channels_in != width:
            parts.append(ConvolutionShape(channels_in, width, 1, size))
        layers += [relu_layer(f"{name}.relu1", first), relu_layer(f"{name}.relu2", *parts)]
    layers.append(linear_layer("classify", plan.widths[-1], plan.classes))
    return NetworkCount(tuple(layers))


def _stage_of(network: ResNet, name: str) -> nn.ModuleList:
    stage = network.get_submodule(name.partition(".")[0])
    assert isinstance(stage, nn.ModuleList)
    return stage
