"""Batch norm that compiles to fast code on a CPU, and what it is once its statistics rest."""

import torch
from torch import Tensor, nn

OTHERS = (0, 2, 3)
"""The axes of a map [N, C, H, W] that a channel's statistics are taken over."""


class BatchNorm2d(nn.BatchNorm2d):
    """nn.BatchNorm2d, written as plain reductions where torch.compile traces it in training.

    The compiler fuses these with the operations around them. It leaves the built-in operator as
    it is, whose backward pass on a CPU is many times slower.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalises maps [N, C, H, W], and follows their statistics in training."""
        if not (self.training and torch.compiler.is_compiling()):
            return super().forward(x)
        wide = x.float()
        mean = wide.mean(OTHERS, keepdim=True)
        centred = wide - mean
        variance = centred.square().mean(OTHERS, keepdim=True)
        self._follow(mean.detach().flatten(), variance.detach().flatten(), x.numel())
        scale = torch.rsqrt(variance + self.eps)
        if self.affine:
            scale = scale * self.weight.view(1, -1, 1, 1)
        result = centred * scale
        if self.affine:
            result = result + self.bias.view(1, -1, 1, 1)
        return result.to(x.dtype)

    def _follow(self, mean: Tensor, variance: Tensor, elements: int) -> None:
        """Moves the running statistics as nn.BatchNorm2d does: its variance is the unbiased one."""
        assert self.momentum is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        count = elements / len(mean)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
            self.num_batches_tracked.add_(1)


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The map x -> scale * x + shift that a batch norm is in evaluation mode, in float64."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = 1 / torch.sqrt(norm.running_var.double() + norm.eps)
    if norm.affine:
        scale = scale * norm.weight.double()
    shift = -norm.running_mean.double() * scale
    return scale, shift + norm.bias.double() if norm.affine else shift
