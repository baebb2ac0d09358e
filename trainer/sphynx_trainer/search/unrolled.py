"""The architecture's gradient of second order (DARTS, Liu et al., ICLR'19, section 2.3).

First order takes the weights for given. Second order asks how the architecture changes the loss
after one more step of the weights. As in the authors' code, that step is SGD's with momentum and
weight decay, and the product of a Hessian and a vector is a difference of two gradients.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

DISTANCE = 0.01
"""Length of the step to either side in the finite difference (the authors' value)."""

Average = Callable[[Sequence[Tensor]], None]
"""Averages tensors over all processes, in place."""


def unrolled_gradients(
    training: Callable[[], Tensor],
    validation: Callable[[], Tensor],
    optimizer: torch.optim.Optimizer,
    architecture: Sequence[nn.Parameter],
    average: Average,
) -> list[Tensor]:
    """Returns the gradient of the validation loss after one step of the weights.

    training, validation: compute the loss of a batch anew at every call. optimizer: the weights'
    SGD, in one group. The weights are as before afterwards, to the last bit.
    """
    (group,) = optimizer.param_groups
    weights: list[nn.Parameter] = group["params"]
    rate, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
    before = [weight.detach().clone() for weight in weights]

    def gradients(loss: Tensor, parameters: Sequence[nn.Parameter]) -> list[Tensor]:
        found = list(torch.autograd.grad(loss, parameters, allow_unused=True))
        full = [
            torch.zeros_like(parameter) if gradient is None else gradient
            for parameter, gradient in zip(parameters, found, strict=True)
        ]
        average(full)
        return full

    @torch.no_grad()
    def move(directions: Sequence[Tensor], length: float) -> None:
        for weight, start, direction in zip(weights, before, directions, strict=True):
            weight.copy_(start + length * direction)

    velocities = [
        momentum * optimizer.state[weight].get("momentum_buffer", torch.zeros_like(weight))
        for weight in weights
    ]
    steps = [
        velocity + gradient + decay * start
        for velocity, gradient, start in zip(
            velocities, gradients(training(), weights), before, strict=True
        )
    ]
    try:
        move(steps, -rate)
        both = gradients(validation(), [*architecture, *weights])
        explicit, vector = both[: len(architecture)], both[len(architecture) :]
        norm = float(torch.stack([part.square().sum() for part in vector]).sum().sqrt())
        if norm == 0:
            return explicit
        reach = DISTANCE / norm
        move(vector, reach)
        above = gradients(training(), architecture)
        move(vector, -reach)
        below = gradients(training(), architecture)
    finally:
        move(before, 0.0)
    return [
        direct - rate * (high - low) / (2 * reach)
        for direct, high, low in zip(explicit, above, below, strict=True)
    ]
