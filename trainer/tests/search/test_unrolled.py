import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.cli.program import main
from sphynx_trainer.data import synthetic
from sphynx_trainer.networks.sphynx.genotype import Genotype
from sphynx_trainer.search.bilevel import BilevelSearch
from sphynx_trainer.search.recipe import CELLS, SearchRecipe
from sphynx_trainer.search.searchable import Searchable
from sphynx_trainer.search.unrolled import unrolled_gradients


def alone(gradients: object) -> None:
    """Averages over a single process."""


@pytest.mark.parametrize("steps", [0, 3], ids=["at first", "with momentum"])
def test_the_gradient_is_that_of_the_loss_after_a_step_of_the_weights(steps: int) -> None:
    target = torch.randn(5, dtype=torch.float64)
    weights = nn.Parameter(torch.randn(5, dtype=torch.float64))
    architecture = nn.Parameter(torch.randn(5, dtype=torch.float64))
    optimizer = torch.optim.SGD([weights], lr=0.1, momentum=0.9, weight_decay=0.01)

    def training(w: Tensor = weights) -> Tensor:
        return (w.sin() * architecture).square().sum() + (w * architecture).sum()

    def validation(w: Tensor = weights) -> Tensor:
        return ((w - target) * architecture).square().sum()

    for _ in range(steps):
        optimizer.zero_grad()
        training().backward()
        optimizer.step()
    velocity = optimizer.state[weights].get("momentum_buffer", torch.zeros(5))
    before = weights.detach().clone()
    w = before.clone().requires_grad_()
    (slope,) = torch.autograd.grad(training(w), w, create_graph=True)
    ahead = w - 0.1 * (0.9 * velocity + slope + 0.01 * w)
    (exact,) = torch.autograd.grad(validation(ahead), architecture)
    (first_order,) = torch.autograd.grad(validation(before), architecture)
    (found,) = unrolled_gradients(training, validation, optimizer, [architecture], alone)
    torch.testing.assert_close(found, exact, rtol=1e-4, atol=1e-6)
    assert (found - exact).abs().max() < 1e-3 * (first_order - exact).abs().max()
    assert torch.equal(weights, before)


class Gate(Searchable):
    """Half of the weights' output; the architecture only scales it."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 8 * 8, 4)
        self.theta = nn.Parameter(torch.zeros(()))

    def architecture(self) -> list[nn.Parameter]:
        return [self.theta]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.linear(images.flatten(1)) * self.theta.exp()
        return logits


def searched(recipe: SearchRecipe, folder: Path) -> tuple[Gate, list[float]]:
    torch.manual_seed(1)
    network, losses = Gate(), list[float]()
    data = synthetic(classes=4, image_size=8, records=128)
    search = BilevelSearch(network, recipe, data, folder)
    search.run(lambda _, loss: losses.append(loss))
    return network, losses


def test_a_search_of_second_order_learns_something_else(tmp_path: Path) -> None:
    recipe = replace(CELLS, epochs=6, batch=16, crop_padding=1, learning_rate=0.1)
    first, _ = searched(recipe, tmp_path / "first")
    second, losses = searched(replace(recipe, order=2), tmp_path / "second")
    assert losses[-1] < losses[0]
    assert not torch.equal(first.theta, second.theta)
    assert not torch.equal(first.linear.weight, second.linear.weight)


def test_a_search_on_some_images_sees_no_others(tmp_path: Path) -> None:
    data = synthetic(classes=4, image_size=8, records=128)
    recipe = replace(CELLS, batch=16, images=64)
    halves = BilevelSearch(Gate(), recipe, data, tmp_path).halves
    assert [len(half) for half in halves] == [32, 32]
    assert not set(halves[0].tolist()) & set(halves[1].tolist())


@pytest.mark.parametrize("change", [{"order": 3}, {"images": -1}])
def test_a_search_that_means_nothing_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"order|images"):
        CELLS.changed(change)


def test_the_command_searches_cells_by_second_order_and_resumes(tmp_path: Path) -> None:
    command = ["search-cells", str(tmp_path), "--dataset", "synthetic", "--channels", "1"]
    command += ["--cells", "1", "--nodes", "5", "--batch", "8", "--images", "32", "--order", "2"]
    assert main([*command, "--epochs", "1"]) == 0
    Genotype.from_json(json.loads((tmp_path / "genotype.json").read_text()))
    assert main([*command, "--epochs", "1", "--resume"]) == 0
    assert main([*command[:-1], "1", "--epochs", "1", "--resume"]) == 1
