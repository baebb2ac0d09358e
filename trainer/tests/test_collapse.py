from collections.abc import Callable

import pytest
import torch

from sphynx_trainer.networks.collapse import CollapseError, collapse, verify
from sphynx_trainer.networks.genotype import Edge, Genotype
from sphynx_trainer.networks.sphynx import SphynxConfig, SphynxNetwork

Make = Callable[[SphynxConfig], SphynxNetwork]

CONFIGS = [
    SphynxConfig(5, 5, (0, 1)),
    SphynxConfig(3, 4, (1, 3)),
    SphynxConfig(2, 5, (2,)),
    SphynxConfig(2, 3, ()),
    SphynxConfig(1, 4, (0, 1, 2)),
    SphynxConfig(2, 3, (0, 2), image_size=16, classes=10),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_the_collapsed_network_computes_what_the_trained_one_does(
    config: SphynxConfig, make_network: Make
) -> None:
    network = make_network(config)
    collapsed = collapse(network)
    assert verify(network, collapsed) < 1e-5
    assert collapsed.relus == config.relus
    assert len(collapsed.layers) == config.depth


def test_borders_agree_too(make_network: Make) -> None:
    """An image with all its energy in the corners exposes any padding between convolutions."""
    network = make_network(SphynxConfig(3, 3, (0, 1)))
    images = torch.zeros(4, 3, 32, 32)
    for index, (y, x) in enumerate([(0, 0), (0, 31), (31, 0), (31, 31)]):
        images[index, :, y, x] = 100
    with torch.no_grad():
        expected = network.eval()(images)
        error = (collapse(network)(images) - expected).abs().max() / expected.abs().max()
    assert error < 1e-5


def test_cells_with_every_operation_collapse(make_network: Make) -> None:
    plan = (
        (Edge("average_pool", 0), Edge("conv5x5", 1)),
        (Edge("zero", 1), Edge("dilated5x5", 2)),
        (Edge("zero", 0), Edge("zero", 2)),
        (Edge("average_pool", 3), Edge("skip", 0)),
    )
    genotype = Genotype("every", normal=plan, reduce=plan)
    network = make_network(SphynxConfig(2, 4, (0, 2), genotype=genotype))
    assert verify(network, collapse(network)) < 1e-5


def test_kernels_reach_exactly_as_far_as_the_longest_path(make_network: Make) -> None:
    layers = collapse(make_network(SphynxConfig(5, 5, (0, 1)))).layers
    geometry = [
        [
            (part.source, part.weight.shape[-1], part.stride, part.pads)
            for part in layer.convolutions
        ]
        for layer in layers
    ]
    assert geometry[:3] == [
        [(-1, 9, 2, (4, 4, 3, 3))],
        [(-1, 16, 4, (7, 7, 5, 5)), (0, 7, 2, (3, 3, 2, 2))],
        [(0, 18, 2, (8, 8, 8, 8)), (1, 5, 1, (2, 2, 2, 2))],
    ]


def test_counts_follow_the_shapes(make_network: Make) -> None:
    collapsed = collapse(make_network(SphynxConfig(2, 1, (), classes=10)))
    assert collapsed.macs == 32 * 32 * (2 * 3 * 11 * 11) + 2 * 10
    assert collapsed.parameters == 2 * 3 * 11 * 11 + 2 + 2 * 10 + 10


def test_a_network_that_is_not_linear_between_relus_is_refused(make_network: Make) -> None:
    network = make_network(SphynxConfig(2, 2, (0,)))
    network.cells[1].mix.register_forward_pre_hook(lambda module, inputs: inputs[0].relu())
    with pytest.raises(CollapseError, match="not linear"):
        collapse(network)
