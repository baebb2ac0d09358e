"""What every network of this package is: blocks that end in a ReLU, then a linear head."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Classifier(nn.Module):
    """[N, 3, S, S] normalised images -> [N, classes] logits.

    Every ReLU is an `nn.ReLU` module of its own that runs once per inference, so that a hook
    sees it and another activation can take its place. Subclasses set `classify` and define
    `block_outputs`.
    """

    classify: nn.Linear

    def block_outputs(self, images: Tensor) -> list[Tensor]:
        """The outputs of all blocks, after their ReLU."""
        raise NotImplementedError

    def head(self, output: Tensor) -> Tensor:
        """The last block's output -> logits."""
        logits: Tensor = self.classify(torch.flatten(F.adaptive_avg_pool2d(output, 1), 1))
        return logits

    def forward(self, images: Tensor) -> Tensor:
        """Returns the logits [N, classes] of images [N, 3, S, S]."""
        return self.head(self.block_outputs(images)[-1])

    def initialise(self, nonlinearity: Literal["linear", "relu"]) -> None:
        """He's initialisation of all convolutions; a ReLU follows them or it does not."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity=nonlinearity)
