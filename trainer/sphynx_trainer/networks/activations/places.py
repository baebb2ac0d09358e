"""The nonlinearities of a network of any family: its ReLU modules and what took their place."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .masked_relu import MaskedReLU, SelectiveReLU

Activation = nn.ReLU | MaskedReLU | SelectiveReLU


@dataclass(frozen=True)
class Place:
    """Where an activation stands. name: of its module; shape: of its tensor, [C, H, W] or [C]."""

    name: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Numbers in the tensor."""
        return torch.Size(self.shape).numel()

    @property
    def channel_shape(self) -> tuple[int, ...]:
        """The shape of one number per channel."""
        return self.shape[:1] + (1,) * (len(self.shape) - 1)


@torch.no_grad()
def places(network: nn.Module, image_size: int) -> list[Place]:
    """All activations in the order in which they run. Switches the network to evaluation mode."""
    found: list[Place] = []
    hooks = []

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            found.append(Place(name, tuple(inputs[0].shape[1:])))

        return note

    for name, module in activations(network).items():
        hooks.append(module.register_forward_pre_hook(watch(name)))
    device = next(network.parameters()).device
    network.eval()(torch.zeros(1, 3, image_size, image_size, device=device))
    for hook in hooks:
        hook.remove()
    return found


def activations(network: nn.Module) -> dict[str, nn.Module]:
    """Name -> module of every activation."""
    return {
        name: module for name, module in network.named_modules() if isinstance(module, Activation)
    }


def unmasked_places(network: nn.Module, image_size: int) -> list[Place]:
    """As `places`. Raises ValueError if ReLUs have been taken away before."""
    if any(isinstance(module, MaskedReLU) for module in network.modules()):
        raise ValueError("this network has lost ReLUs already; start from the one before")
    return places(network, image_size)
