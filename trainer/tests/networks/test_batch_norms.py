"""Batch norms that a network gets back after its own were folded in."""

import pytest
import torch
from torch import Tensor

from sphynx_trainer.networks.base.graph_from_onnx import read_graph
from sphynx_trainer.networks.base.graph_to_onnx import build_onnx
from sphynx_trainer.networks.families import Config, build, config_from_json, config_to_json, count
from sphynx_trainer.networks.plain.batch_norms import FILTER_LENGTH, give_batch_norms
from sphynx_trainer.networks.plain.convolution import ConvolutionSum, PlainConvolution
from sphynx_trainer.networks.plain.network import PlainNetwork
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet32Config
from sphynx_trainer.networks.staged.vgg import VGG11Config

from ..conftest import mask_at_random
from .test_families import ident, small_network

FAMILIES: list[Config] = [
    SphynxConfig(2, 3, (0, 1), image_size=16, classes=4),
    ResNet32Config(2, classes=4),
    VGG11Config(1, (6,), 32, 4),
]


def exported(config: Config, *, masked: bool = False) -> PlainNetwork:
    """A network with random batch norms in the form it is exported in."""
    network = small_network(config)
    if masked:
        mask_at_random(network, config.image_size, channel_wise=False)
    return PlainNetwork.of(read_graph(build_onnx(plain_graph(network), "m")))


def images_of(network: PlainNetwork, count: int = 32) -> Tensor:
    size = network.config.image_size
    return torch.randn(count, 3, size, size)


@pytest.mark.parametrize("config", FAMILIES, ids=ident)
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@torch.no_grad()
def test_a_network_computes_the_same_with_batch_norms(config: Config, masked: bool) -> None:
    network = exported(config, masked=masked)
    images, unchanged = images_of(network), plain_graph(network)
    before = network(images)
    tolerance = 1e-4 * float(before.abs().max())
    give_batch_norms(network, images)
    assert not network.training
    assert torch.allclose(network(images), before, atol=tolerance)
    layers = [each for each in network.modules() if isinstance(each, ConvolutionSum)]
    assert layers
    for layer in layers:
        assert layer.norm is not None
        assert all(term.bias is None for term in layer.convolutions)
        filters = torch.cat([term.weight.flatten(1) for term in layer.convolutions], 1)
        lengths = filters.norm(dim=1)
        assert torch.allclose(lengths, torch.full_like(lengths, FILTER_LENGTH))
    # The statistics are those of the images, so training sees the same numbers.
    assert torch.allclose(network.train()(images), before, atol=0.05 * float(before.abs().max()))
    graph = plain_graph(network)
    assert torch.allclose(graph(images), network(images), atol=tolerance)
    assert graph.relu_layers() == unchanged.relu_layers()
    assert graph.macs == unchanged.macs


@torch.no_grad()
def test_filters_without_weights_stay_finite() -> None:
    network = exported(FAMILIES[0])
    first = next(each for each in network.modules() if isinstance(each, PlainConvolution))
    first.weight[0] = 0
    images = images_of(network)
    before = network.eval()(images)
    give_batch_norms(network, images)
    assert torch.allclose(network(images), before, atol=1e-4 * float(before.abs().max()))


def test_batch_norms_belong_to_the_configuration() -> None:
    network = exported(FAMILIES[0])
    give_batch_norms(network, images_of(network))
    config = config_from_json(config_to_json(network.config))
    assert config == network.config
    other = build(config)
    other.load_state_dict(network.state_dict())
    images = images_of(network)
    with torch.no_grad():
        assert torch.equal(other.eval()(images), network.eval()(images))
    graph = plain_graph(network)
    assert count(config).parameters == graph.parameters
    assert count(config).macs == graph.macs
