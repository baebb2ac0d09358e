"""Shared by all tests: networks whose batch norms are far from the identity."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from sphynx_trainer.networks.sphynx import SphynxConfig, SphynxNetwork


@pytest.fixture(autouse=True)
def fixed_seed() -> Iterator[None]:
    torch.manual_seed(0)
    yield


def randomise(module: nn.Module) -> nn.Module:
    """Gives every batch norm random statistics, scales and shifts."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
            nn.init.uniform_(part.weight, -1.5, 1.5)
            nn.init.normal_(part.bias)
    return module


@pytest.fixture
def make_network() -> Callable[[SphynxConfig], SphynxNetwork]:
    """Builds a network with randomised batch norms."""

    def make(config: SphynxConfig) -> SphynxNetwork:
        network = randomise(SphynxNetwork(config))
        assert isinstance(network, SphynxNetwork)
        return network

    return make
