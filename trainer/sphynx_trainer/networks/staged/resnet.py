"""Networks of stages of blocks with a way around each (He et al., CVPR'16).

The stem for small images is one 3x3 convolution. The stem for ImageNet is 7x7 with stride 2 and
pools by averaging, not by the maximum, which private inference computes for nothing.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from ..base.classifier import Classifier
from ..base.counting import ConvolutionShape, LayerCount, NetworkCount, linear_layer, relu_layer
from ..base.graph import IMAGE_INPUT, Graph, GraphBuilder
from .blocks import BLOCKS, Block, BlockShape
from .conv_norm import ConvNorm


@dataclass(frozen=True)
class ResNetPlan:
    """The stages of a residual network; every stage but the first halves the map.

    widths: channels of each stage, the stem has those of the first; blocks: of each stage;
    stem_relu: whether a ReLU follows the stem; block: of BLOCKS; group_width: channels of a group,
    where blocks have groups.
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    image_size: int
    classes: int
    large_stem: bool = False
    stem_relu: bool = True
    block: str = "basic"
    group_width: int = 1

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.blocks) or min(self.widths + self.blocks) < 1:
            raise ValueError(f"expected widths and blocks per stage, got {self}")
        if self.group_width < 1 or any(width % self.group_width for width in self.widths):
            raise ValueError(f"widths {self.widths} are no multiples of {self.group_width}")
        factor = 2 ** (len(self.widths) - 1) * (4 if self.large_stem else 1)
        if self.image_size % factor:
            raise ValueError(f"image size {self.image_size} is not a multiple of {factor}")

    def size(self, stage: int) -> int:
        """Rows (and columns) of a stage's maps."""
        return (self.image_size // (4 if self.large_stem else 1)) >> stage

    def shapes(self) -> dict[str, BlockShape]:
        """Every block's shape, by its name."""
        return {
            f"stage{stage + 1}.{block}": BlockShape(
                channels_in=self.widths[stage if block else max(stage - 1, 0)],
                channels=self.widths[stage],
                stride=2 if stage and not block else 1,
                size=self.size(stage),
                group_width=self.group_width,
            )
            for stage, count in enumerate(self.blocks)
            for block in range(count)
        }


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
        for name, shape in plan.shapes().items():
            _stage_of(self, name).append(BLOCKS[plan.block](shape))
        self.classify = nn.Linear(plan.widths[-1], plan.classes)
        self.initialise("relu")

    def blocks(self) -> dict[str, Block]:
        """All blocks in order, by name."""
        return {name: block for name, block in self.named_modules() if isinstance(block, Block)}

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
    for name, shape in plan.shapes().items():
        layers += BLOCKS[plan.block].count(name, shape)
    layers.append(linear_layer("classify", plan.widths[-1], plan.classes))
    return NetworkCount(tuple(layers))


def _stage_of(network: ResNet, name: str) -> nn.ModuleList:
    stage = network.get_submodule(name.partition(".")[0])
    assert isinstance(stage, nn.ModuleList)
    return stage
