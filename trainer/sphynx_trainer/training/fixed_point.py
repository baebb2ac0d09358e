"""Training and testing on the grid that private inference computes on.

Before a ReLU the protocol drops the f low bits of a fixed-point number and keeps k bits, rounding
up or down by chance so that the mean stays: floor(x / 2^f) + b with P(b = 1) = (x_low + 1) / 2^f
(docs/protocol.md, section 1). Weights and images stay in floating point here;
their grids are finer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..data import Dataset
from ..networks.activations.places import activations

DROPPED_BITS = 12
"""f: bits below the grid that decide about rounding. 23 bits in all, which float32 holds."""
MARGIN = 2.0
"""Largest number of the grid over the largest seen, as in the planner of the fixed-point file."""
CALIBRATION_IMAGES = 512


@dataclass(frozen=True)
class Grid:
    """What ReLUs read.

    bits: of an input, sign included; steps: by activation, the distance of two neighbours on the
    grid, per channel, [1, C] or [1, C, 1, 1].
    """

    bits: int
    steps: dict[str, Tensor]


class TruncatedInput(torch.autograd.Function):
    """x on the grid `step` by stochastic truncation, within k bits and sign; gradient 1."""

    @staticmethod
    def forward(context: object, x: Tensor, step: Tensor, bits: int) -> Tensor:
        """Puts x on the grid."""
        unit = 2.0**DROPPED_BITS
        fine = torch.round(x / step * unit)
        whole = torch.floor(fine / unit)
        low = fine - whole * unit
        whole += torch.rand_like(low) * unit < low + 1
        largest = 2.0 ** (bits - 1)
        return whole.clamp_(-largest, largest - 1) * step

    @staticmethod
    def backward(context: object, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Passes the gradient straight through."""
        return gradients[0], None, None


def truncate(x: Tensor, step: Tensor, bits: int) -> Tensor:
    """What a ReLU of `bits` bits reads in place of x."""
    result: Tensor = TruncatedInput.apply(x.float(), step, bits)  # type: ignore[no-untyped-call]
    return result


@torch.no_grad()
def calibrate(network: nn.Module, dataset: Dataset, bits: int) -> Grid:
    """The grid for ReLU inputs of `bits` bits, sign included, from the first training images.

    Switches the network to evaluation mode.
    """
    largest: dict[str, Tensor] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            others = [axis for axis in range(inputs[0].dim()) if axis != 1]
            seen = inputs[0].float().abs().amax(others, keepdim=True)
            largest[name] = torch.maximum(seen, largest[name]) if name in largest else seen

        return note

    hooks = [
        module.register_forward_pre_hook(watch(name))
        for name, module in activations(network).items()
    ]
    network.eval()
    device = next(network.parameters()).device
    count = min(CALIBRATION_IMAGES, len(dataset.train.labels))
    for images, _ in dataset.train.batches(torch.arange(count), 128):
        network(dataset.normalise(images.to(device)))
    for hook in hooks:
        hook.remove()
    smallest = torch.finfo(torch.float32).tiny
    scale = MARGIN / 2 ** (bits - 1)
    return Grid(bits, {name: (most * scale).clamp(min=smallest) for name, most in largest.items()})


@contextmanager
def simulated(network: nn.Module, grid: Grid) -> Iterator[None]:
    """Inside, every ReLU of the network reads numbers of the grid."""

    def onto(step: Tensor) -> Callable[[nn.Module, tuple[Tensor, ...]], Tensor]:
        return lambda module, inputs: truncate(inputs[0], step, grid.bits)

    modules = activations(network)
    hooks = [
        modules[name].register_forward_pre_hook(onto(step)) for name, step in grid.steps.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
