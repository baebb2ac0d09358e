"""A second classifier that helps training and is never exported (table 7: at cell 2D/3)."""

from torch import nn

from .networks.sphynx import SphynxConfig


class AuxiliaryHead(nn.Sequential):
    """The output of cell `position(config)` -> logits, as in DARTS (Liu et al., ICLR'19)."""

    def __init__(self, config: SphynxConfig) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(2),
            nn.Conv2d(config.channels_after(position(config)), 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(768, config.classes),
        )


def position(config: SphynxConfig) -> int:
    """Index of the cell that the auxiliary head reads."""
    return min(2 * config.depth // 3, config.depth - 1)
