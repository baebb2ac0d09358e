"""A second classifier that helps training and is never exported (table 7: at cell 2D/3)."""

from typing import Self

import torch
from torch import nn

from ..networks.base.classifier import Classifier


class AuxiliaryHead(nn.Sequential):
    """The output of block `position` [N, channels, H, W] -> logits, as in DARTS (Liu et al.)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(2),
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(768, classes),
        )

    @classmethod
    def of(cls, network: Classifier, image_size: int) -> Self:
        """The head that fits a network. Switches the network to evaluation mode."""
        device = network.classify.weight.device
        with torch.no_grad():
            image = torch.zeros(1, 3, image_size, image_size, device=device)
            outputs = network.eval().block_outputs(image)
        channels = outputs[position(len(outputs))].shape[1]
        return cls(channels, network.classify.out_features)


def position(blocks: int) -> int:
    """Index of the block that the auxiliary head reads, of so many."""
    return min(2 * blocks // 3, blocks - 1)
