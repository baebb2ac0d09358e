"""An exponential moving average of a network's weights, often better than the last weights."""

import copy

import torch
from torch import nn


class Average:
    """Follows a network. decay: the share of the average that one step keeps.

    The first steps keep less, (1 + n) / (10 + n) after n of them, so that the random start is soon
    forgotten (as in TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Takes in the weights and batch statistics after a step; the first one is step 0."""
        keep = min(self.decay, (1 + step) / (10 + step))
        current = network.state_dict()
        means, news = [], []
        for name, mean in self.network.state_dict().items():
            if mean.is_floating_point():
                means.append(mean)
                news.append(current[name])
            else:
                mean.copy_(current[name])
        torch._foreach_lerp_(means, news, 1 - keep)
