"""RegNet-X and ConvNeXt-V2, which DeepReShape compares with HybReNets at equal ReLUs.

Both get the stem of our ResNets, so that they differ from those in their stages alone: their own
stems, of 32 channels and of 4x4 patches, are made for 224x224 images.
"""

from dataclasses import dataclass

from .resnet import ResNetPlan
from .resnet_configs import LARGE_IMAGE


@dataclass(frozen=True)
class RegNetConfig:
    """widths, blocks: of each stage, by default those of RegNetX-200MF; group_width: channels.

    Every width is a multiple of the group width.
    """

    widths: tuple[int, ...] = (24, 56, 152, 368)
    blocks: tuple[int, ...] = (1, 1, 4, 7)
    group_width: int = 8
    image_size: int = 32
    classes: int = 100

    @property
    def plan(self) -> ResNetPlan:
        """The stages."""
        return ResNetPlan(
            widths=self.widths,
            blocks=self.blocks,
            image_size=self.image_size,
            classes=self.classes,
            large_stem=self.image_size >= LARGE_IMAGE,
            block="regnet",
            group_width=self.group_width,
        )


@dataclass(frozen=True)
class ConvNeXtConfig:
    """channels: of the first stage, which every stage doubles; blocks: of each stage.

    The defaults are ConvNeXt-V2 Atto's. No ReLU follows the stem, as no activation does there.
    """

    channels: int = 40
    blocks: tuple[int, ...] = (2, 2, 6, 2)
    image_size: int = 32
    classes: int = 100

    @property
    def plan(self) -> ResNetPlan:
        """The stages."""
        return ResNetPlan(
            widths=tuple(self.channels << stage for stage in range(len(self.blocks))),
            blocks=self.blocks,
            image_size=self.image_size,
            classes=self.classes,
            large_stem=self.image_size >= LARGE_IMAGE,
            stem_relu=False,
            block="convnext",
        )
