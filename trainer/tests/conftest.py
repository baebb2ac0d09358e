"""Shared by all tests: networks with batch norms far from the identity, and masks."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from sphynx_trainer.networks.activations.masked_relu import MaskedReLU
from sphynx_trainer.networks.activations.places import places
from sphynx_trainer.networks.sphynx.network import SphynxConfig, SphynxNetwork

torch.set_num_threads(1)
"""Two threads wait for each other longer than these networks compute, most of all on busy cores."""


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    torch.manual_seed(0)


def randomise(module: nn.Module) -> nn.Module:
    """Gives every batch norm random statistics and, where it has them, scales and shifts.

    They amplify about as much as fresh convolutions and ReLUs dampen. With variances around one
    the logits would hardly depend on the image, and no comparison of them would show an error.
    """
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, std=0.3)
            nn.init.uniform_(part.running_var, 0.1, 0.4)
            if part.affine:
                nn.init.uniform_(part.weight, -1.5, 1.5)
                nn.init.normal_(part.bias, std=0.3)
    return module


def mask_at_random(network: nn.Module, image_size: int, *, channel_wise: bool) -> None:
    """Leaves about three in ten elements, or whole channels, of every layer their ReLU."""
    for place in places(network, image_size):
        shape = place.channel_shape if channel_wise else place.shape
        parent, _, child = place.name.rpartition(".")
        setattr(network.get_submodule(parent), child, MaskedReLU((torch.rand(shape) < 0.3).float()))


@pytest.fixture
def make_network() -> Callable[[SphynxConfig], SphynxNetwork]:
    """Builds a network with randomised batch norms."""

    def make(config: SphynxConfig) -> SphynxNetwork:
        network = randomise(SphynxNetwork(config))
        assert isinstance(network, SphynxNetwork)
        return network

    return make
