"""What share of the machine's peak arithmetic a training uses."""

import time
from functools import cache
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ..evaluation import autocast

SIDE = 512
"""Rows and columns of the matrices whose product measures the peak."""
REPEATS = 5
BACKWARD = 3
"""A step multiplies three times as much as a forward pass: for the output and two gradients."""


@runtime_checkable
class _Counts(Protocol):
    """A module that knows what a forward pass multiplies for one image of the output's batch."""

    def multiplications(self, output: Tensor) -> int: ...


@cache
@torch.no_grad()
def peak_multiplications(precision: str, device: torch.device, threads: int) -> float:
    """Multiply-accumulates per second of a large product of matrices, the quickest of a few.

    threads: of the CPU, as set; a measurement is remembered for it.
    """
    left, right = (torch.randn(SIDE, SIDE, device=device) for _ in range(2))
    times = []
    with autocast(precision, device.type):
        left, right = (left @ right).clone(), (right @ left).clone()
        for _ in range(REPEATS):
            _wait(device)
            began = time.perf_counter()
            _ = left @ right
            _wait(device)
            times.append(time.perf_counter() - began)
    return float(SIDE**3 / min(times))


@torch.no_grad()
def multiplications_per_image(network: nn.Module, image_size: int) -> int:
    """Multiply-accumulates of a forward pass in the trained form, margins of maps included.

    Switches the network to evaluation mode.
    """
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(module, _Counts):
            total += module.multiplications(output)
        else:
            assert isinstance(module.weight, Tensor)
            total += output[0].numel() * module.weight[0].numel()

    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, nn.Conv2d | nn.Linear | _Counts)
    ]
    device = next(network.parameters()).device
    network.eval()(torch.zeros(1, 3, image_size, image_size, device=device))
    for hook in hooks:
        hook.remove()
    return total


def share_of_peak(images_per_second: float, multiplications: int, peak: float) -> float:
    """What a training of `multiplications` a forward pass uses of the peak, from 0 to 1."""
    return BACKWARD * multiplications * images_per_second / peak


def _wait(device: torch.device) -> None:
    """Waits until the device has computed all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
