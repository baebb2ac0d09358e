"""HybReNets: ResNet18 with other channel multipliers between stages (DeepReShape).

ReLU equalization orders the stages by the criticality of their ReLUs: stage 3 has the most,
then 2, 4 and 1. `search/equalization.py` finds the multipliers.
"""

from dataclasses import dataclass
from itertools import accumulate
from operator import mul

from .resnet import ResNetPlan
from .resnet_configs import LARGE_IMAGE

HYBRENETS = {
    "5x5x3x": (5, 5, 3),
    "5x7x2x": (5, 7, 2),
    "6x6x2x": (6, 6, 2),
    "7x5x2x": (7, 5, 2),
}
"""Published name -> multipliers (alpha, beta, gamma)."""


@dataclass(frozen=True)
class HybReNetConfig:
    """multipliers: (alpha, beta, gamma), channels of a stage over those of the one before.

    channels: m, of the stem and the first stage.
    """

    multipliers: tuple[int, ...] = HYBRENETS["5x5x3x"]
    channels: int = 16
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    image_size: int = 32
    classes: int = 100

    @property
    def plan(self) -> ResNetPlan:
        """The stages."""
        return ResNetPlan(
            widths=tuple(accumulate((self.channels, *self.multipliers), mul)),
            blocks=self.blocks,
            image_size=self.image_size,
            classes=self.classes,
            large_stem=self.image_size >= LARGE_IMAGE,
        )
