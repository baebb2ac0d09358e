from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from sphynx_trainer.networks.plain_graph import CollapseError, plain_graph, verify
from sphynx_trainer.networks.sphynx.cells import FORMS, Form
from sphynx_trainer.networks.sphynx.genotype import DARTS, PC_DARTS, Edge, Genotype
from sphynx_trainer.networks.sphynx.network import SphynxConfig, SphynxNetwork

Make = Callable[[SphynxConfig], SphynxNetwork]
Geometry = tuple[list[int], list[int], list[int]]
"""Of a convolution: its kernel, strides and pads."""

GEOMETRY: dict[Form, dict[str, Geometry]] = {
    "slim": {
        "cell0/conv_image": ([9, 9], [2, 2], [4, 4, 3, 3]),
        "cell1/conv_image": ([16, 16], [4, 4], [7, 7, 5, 5]),
        "cell1/conv_cell0": ([7, 7], [2, 2], [3, 3, 2, 2]),
        "cell2/conv_cell0": ([18, 18], [2, 2], [8, 8, 8, 8]),
        "cell2/conv_cell1": ([5, 5], [1, 1], [2, 2, 2, 2]),
    },
    "paper": {
        "cell0/conv_image": ([17, 17], [2, 2], [8, 8, 7, 7]),
        "cell1/conv_image": ([32, 32], [4, 4], [15, 15, 13, 13]),
        "cell1/conv_cell0": ([15, 15], [2, 2], [7, 7, 6, 6]),
        "cell2/conv_cell0": ([18, 18], [2, 2], [8, 8, 8, 8]),
        "cell2/conv_cell1": ([9, 9], [1, 1], [4, 4, 4, 4]),
    },
}

SHAPES = [
    SphynxConfig(5, 5, (0, 1)),
    SphynxConfig(3, 4, (1, 3)),
    SphynxConfig(2, 5, (2,)),
    SphynxConfig(2, 3, ()),
    SphynxConfig(1, 4, (0, 1, 2)),
    SphynxConfig(2, 3, (0, 2), image_size=16, classes=10),
]
CONFIGS = [
    *(replace(shape, form=form) for shape in SHAPES for form in FORMS),
    *(SphynxConfig(3, 4, (1, 3), balance="flops", form=form) for form in FORMS),
    *(SphynxConfig(3, 4, (1, 3), separable=True, form=form) for form in FORMS),
    *(SphynxConfig(2, 4, (0, 2), genotype=genotype) for genotype in (DARTS, PC_DARTS)),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_the_collapsed_network_computes_what_the_trained_one_does(
    config: SphynxConfig, make_network: Make
) -> None:
    network = make_network(config)
    graph = plain_graph(network)
    assert verify(network, graph) < 1e-5
    assert graph.relus == config.relus
    assert len(graph.relu_layers()) == config.depth


@pytest.mark.parametrize("form", FORMS)
def test_borders_agree_too(form: Form, make_network: Make) -> None:
    """An image with all its energy in the corners exposes any padding between convolutions."""
    network = make_network(SphynxConfig(3, 3, (0, 1), form=form))
    images = torch.zeros(4, 3, 32, 32)
    for index, (y, x) in enumerate([(0, 0), (0, 31), (31, 0), (31, 31)]):
        images[index, :, y, x] = 100
    with torch.no_grad():
        expected = network.eval()(images)
        error = (plain_graph(network)(images) - expected).abs().max() / expected.abs().max()
    assert error < 1e-5


@pytest.mark.parametrize("form", FORMS)
def test_cells_with_every_operation_collapse(form: Form, make_network: Make) -> None:
    plan = (
        (Edge("average_pool", 0), Edge("conv5x5", 1)),
        (Edge("zero", 1), Edge("dilated5x5", 2)),
        (Edge("zero", 0), Edge("zero", 2)),
        (Edge("average_pool", 3), Edge("skip", 0)),
    )
    genotype = Genotype("every", normal=plan, reduce=plan)
    network = make_network(SphynxConfig(2, 4, (0, 2), genotype=genotype, form=form))
    assert verify(network, plain_graph(network)) < 1e-5


@pytest.mark.parametrize(("form", "expected"), GEOMETRY.items())
def test_kernels_reach_exactly_as_far_as_the_longest_path(
    form: Form, expected: dict[str, Geometry], make_network: Make
) -> None:
    graph = plain_graph(make_network(SphynxConfig(5, 5, (0, 1), form=form)))
    geometry = {
        node.name: tuple(node.attributes[key] for key in ("kernel_shape", "strides", "pads"))
        for node in graph.nodes
        if node.operator == "Conv"
    }
    assert dict(list(geometry.items())[:5]) == expected


def test_counts_follow_the_shapes(make_network: Make) -> None:
    collapsed = plain_graph(make_network(SphynxConfig(2, 1, (), classes=10, form="slim")))
    assert collapsed.macs == 32 * 32 * (2 * 3 * 11 * 11) + 2 * 10
    assert collapsed.parameters == 2 * 3 * 11 * 11 + 2 + 2 * 10 + 10


def test_a_network_that_is_not_linear_between_relus_is_refused(make_network: Make) -> None:
    network = make_network(SphynxConfig(2, 2, (0,)))
    network.cells[1].mix.register_forward_pre_hook(lambda module, inputs: inputs[0].relu())
    with pytest.raises(CollapseError, match="not linear"):
        plain_graph(network)
