"""Steps of an optimizer that leave out gradients which are not finite."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn


class DivergedError(ValueError):
    """Not one step of an epoch had finite gradients."""

    def __init__(self, epoch: int, steps: int) -> None:
        super().__init__(
            f"the training diverged: in epoch {epoch} none of {steps} steps had finite gradients. "
            "Take a lower learning rate, or begin with weights from before"
        )


class Descent:
    """Takes the steps of one optimizer.

    A step whose gradients are infinite or no numbers would write NaN into every weight that it
    touches. It is skipped instead, and batch norms get back the statistics from before that batch.
    All processes see the same averaged gradients, so they skip the same steps.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        parameters: Iterable[nn.Parameter],
        clip: float = math.inf,
    ) -> None:
        """network: whose batch norms see the batches; clip: largest norm of the gradients."""
        self.optimizer = optimizer
        self.parameters = list(parameters)
        self.clip = clip
        self.statistics = [
            buffer
            for module in network.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
            for buffer in module.buffers()
            if buffer.is_floating_point()
        ]
        self.before = [buffer.clone() for buffer in self.statistics]

    @torch.no_grad()
    def remember(self) -> None:
        """Keeps the batch norms' statistics; called before a batch passes through the network."""
        if self.statistics:
            torch._foreach_copy_(self.before, self.statistics)

    def step(self) -> bool:
        """Changes the parameters by their gradients. Returns False for a step that is skipped."""
        norm: Tensor = nn.utils.clip_grad_norm_(self.parameters, self.clip)
        if norm.isfinite():
            self.optimizer.step()
            return True
        if self.statistics:
            with torch.no_grad():
                torch._foreach_copy_(self.statistics, self.before)
        return False
