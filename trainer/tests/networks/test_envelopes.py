"""Envelopes of the kernels of an exported form."""

import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.networks.plain.convolution import ConvolutionSum, PlainConvolution
from sphynx_trainer.networks.plain.envelopes import (
    LEAST,
    envelopes_of,
    give_envelopes,
    narrow,
)
from sphynx_trainer.networks.plain.network import PlainNetwork
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.sphynx.network import SphynxConfig

from .test_families import small_network

CONFIG = SphynxConfig(2, 3, (0, 1), image_size=16, classes=4)
IMAGES = torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(6))


@pytest.fixture
def network() -> PlainNetwork:
    return PlainNetwork.of(plain_graph(small_network(CONFIG)))


def convolutions(network: PlainNetwork) -> list[PlainConvolution]:
    return [each for each in network.modules() if isinstance(each, PlainConvolution)]


def sizes(kernels: Tensor) -> Tensor:
    """The root mean square of each tap, in units of the largest."""
    size = kernels.square().mean((0, 1)).sqrt()
    return size / size.max()


@torch.no_grad()
def test_envelopes_are_symmetric_and_large_in_the_middle(network: PlainNetwork) -> None:
    terms = convolutions(network)
    for term, envelope in zip(terms, envelopes_of(network), strict=True):
        assert envelope.shape == term.weight.shape[2:]
        assert float(envelope.square().mean()) == pytest.approx(1, rel=1e-5)
        for way in (envelope.T, envelope.flip(0), envelope.flip(1)):
            assert torch.allclose(envelope, way, rtol=1e-5)
        assert float(envelope.min() / envelope.max()) >= LEAST * 0.999
        assert float(envelope[0].max()) < float(envelope.max())
        assert float(envelope[0, 0]) < float(envelope.max()) / 3


@torch.no_grad()
def test_a_network_computes_the_same_with_envelopes(network: PlainNetwork) -> None:
    before = network.eval()(IMAGES)
    give_envelopes(network, envelopes_of(network))
    after = network(IMAGES)
    tolerance = 1e-4 * float(before.abs().max())
    assert torch.allclose(after, before, atol=tolerance)
    assert torch.allclose(plain_graph(network)(IMAGES), before, atol=tolerance)
    copy = PlainNetwork(network.config)
    copy.load_state_dict(network.state_dict())
    assert torch.equal(copy.eval()(IMAGES), after)


def test_a_step_changes_taps_by_the_squares_of_their_envelope(network: PlainNetwork) -> None:
    layer = convolutions(network)[0]
    free = layer.kernel.detach().clone()
    (change,) = torch.autograd.grad(layer(IMAGES).square().sum(), layer.weight)
    give_envelopes(network, envelopes_of(network))
    rate = 1e-3
    layer(IMAGES).square().sum().backward()
    with torch.no_grad():
        assert layer.weight.grad is not None
        layer.weight -= rate * layer.weight.grad
    expected = free - rate * layer.envelope.square() * change
    assert torch.allclose(
        layer.kernel, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max())
    )


@torch.no_grad()
def test_narrowed_kernels_keep_to_the_envelopes_and_channels_their_statistics(
    network: PlainNetwork,
) -> None:
    envelopes = envelopes_of(network)
    layers = [each for each in network.modules() if isinstance(each, ConvolutionSum)]
    for term in convolutions(network):
        noise = torch.randn(term.weight.shape, generator=torch.Generator().manual_seed(1))
        term.weight += 0.5 * term.weight.square().mean((0, 1)).sqrt().max() * noise
    before = statistics(network, layers)
    narrow(network, envelopes, IMAGES)
    for term, envelope in zip(convolutions(network), envelopes, strict=True):
        assert torch.all(sizes(term.kernel) <= envelope / envelope.max() * 1.2)
    for (variance, mean), (now, centre) in zip(before, statistics(network, layers), strict=True):
        assert torch.allclose(now, variance, rtol=1e-3)
        assert torch.allclose(centre, mean, atol=1e-3 * float(variance.max().sqrt()))


def statistics(network: PlainNetwork, layers: list[ConvolutionSum]) -> list[tuple[Tensor, Tensor]]:
    """The variance and mean of each sum's channels over the images."""
    found: list[tuple[Tensor, Tensor]] = []

    def watch(layer: nn.Module, inputs: tuple[object, ...], output: Tensor) -> None:
        found.append(torch.var_mean(output, (0, 2, 3)))

    hooks = [layer.register_forward_hook(watch) for layer in layers]
    network.eval()(IMAGES)
    for hook in hooks:
        hook.remove()
    return found
