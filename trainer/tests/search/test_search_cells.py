from pathlib import Path

import pytest
import torch
from torch import nn

from sphynx_trainer.networks.sphynx.cells import Cell, CellShape
from sphynx_trainer.networks.sphynx.genotype import SPHYNX_CIFAR100, CellPlan, Edge
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.sphynx.operations import OPERATIONS
from sphynx_trainer.search.bilevel import BilevelSearch
from sphynx_trainer.search.cell_search import CellSearchConfig, CellSearchNetwork
from sphynx_trainer.search.mixed_cell import MixedOperation, derive, edges_of
from sphynx_trainer.search.recipe import CELLS, LOCATIONS, SearchRecipe

from ..planted import distant_twins


def test_the_search_finds_the_only_operation_that_sees_far_enough(tmp_path: Path) -> None:
    """Twins four columns or rows apart: after the stem only the dilated 5x5 reaches both."""
    torch.manual_seed(1)
    config = CellSearchConfig(channels=4, cells=1, nodes=1, image_size=16, classes=2)
    network = CellSearchNetwork(config)
    recipe = SearchRecipe(
        "quick",
        epochs=6,
        batch=32,
        learning_rate=0.05,
        architecture_learning_rate=0.05,
        crop_padding=0,
    )
    losses: list[float] = []
    search = BilevelSearch(network, recipe, distant_twins(4, records=1024), tmp_path)
    search.run(lambda search, loss: losses.append(loss))
    probabilities = network.theta_normal.softmax(dim=1)
    row, operation = divmod(int(probabilities.argmax()), len(OPERATIONS))
    assert OPERATIONS[operation] == "dilated5x5"
    assert Edge("dilated5x5", row) in network.genotype("found").normal[0]
    assert probabilities.max() > 0.4
    assert losses[-1] < 0.6 < losses[0]


def planted_weights(plan: CellPlan) -> torch.Tensor:
    """Distributions in which a plan's edges are strong and all others almost surely zero."""
    theta = torch.zeros(len(edges_of(len(plan))), len(OPERATIONS))
    theta[:, OPERATIONS.index("zero")] = 6
    for index, node in enumerate(plan):
        for edge in node:
            row = edges_of(len(plan)).index((index + 2, edge.node))
            theta[row, OPERATIONS.index(edge.operation)] = 5
    return theta.softmax(dim=1)


@pytest.mark.parametrize("plan", [SPHYNX_CIFAR100.normal, SPHYNX_CIFAR100.reduce])
def test_the_published_cells_are_derived_from_a_theta_that_favours_them(plan: CellPlan) -> None:
    derived = derive(planted_weights(plan), len(plan))
    assert [set(node) for node in derived] == [set(node) for node in plan]


def test_zero_is_never_chosen_and_makes_an_edge_weak() -> None:
    weights = torch.full((5, len(OPERATIONS)), 0.05)
    zero, skip = OPERATIONS.index("zero"), OPERATIONS.index("skip")
    weights[:, zero] = 0.7
    weights[0, skip] = weights[3, skip] = weights[4, skip] = 0.2
    first, second = derive(weights, 2)
    assert first[0] == Edge("skip", 0)
    assert first[1].operation != "zero"
    assert second == (Edge("skip", 1), Edge("skip", 2))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_mixture_with_one_weight_is_that_operation(stride: int) -> None:
    channels = 4 if stride == 1 else 16
    mixed = MixedOperation(4, channels, stride).eval()
    x = torch.randn(2, 4, 12, 12)
    for index, name in enumerate(OPERATIONS):
        result = mixed(x, torch.eye(len(OPERATIONS))[index])
        assert result.shape == (2, channels, 12 // stride, 12 // stride), name
        if name == "conv3x3":
            operation = mixed.operations[index]
            expected = operation.norm(
                nn.functional.conv2d(x, operation.conv.weight, stride=stride, padding=1)
            )
            assert torch.allclose(result, expected, atol=1e-6)
        if name == "zero":
            assert not result.any()


@pytest.mark.parametrize("nodes", [2, 4])
def test_found_cells_build_a_network(nodes: int) -> None:
    network = CellSearchNetwork(CellSearchConfig(1, 3, nodes, image_size=16, classes=4))
    assert network(torch.randn(2, 3, 16, 16)).shape == (2, 4)
    genotype = network.genotype("found")
    assert len(genotype.normal) == len(genotype.reduce) == nodes
    for reduce, plan in ((False, genotype.normal), (True, genotype.reduce)):
        assert Cell(plan, CellShape(4, (4, 4), reduce, False, "paper")).input_margins
    assert SphynxConfig(2, 3, (0, 1), genotype=genotype).relus == 32 * 32 * 2 * 3


def test_weights_and_architecture_are_apart() -> None:
    network = CellSearchNetwork(CellSearchConfig(1, 3, 2, image_size=16, classes=4))
    architecture = {id(parameter) for parameter in network.architecture()}
    weights = {id(parameter) for parameter in network.weights()}
    assert len(architecture) == 2
    assert not architecture & weights
    fixed = [
        name
        for name, parameter in network.named_parameters()
        if id(parameter) not in weights | architecture
    ]
    assert fixed
    assert all(".norm." in name and ".operations." in name for name in fixed)


def test_the_papers_search_network_reduces_at_a_third_and_two_thirds() -> None:
    shapes = CellSearchConfig().shapes
    assert (shapes.channels, shapes.depth, shapes.reduce) == (5, 8, (2, 5))
    assert (CELLS.epochs, LOCATIONS.epochs) == (50, 600)


def test_the_learning_rate_falls_to_its_end() -> None:
    assert CELLS.learning_rate_at(0) == 0.025
    assert CELLS.learning_rate_at(50) == pytest.approx(0.001)
