from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.data import synthetic
from sphynx_trainer.networks.families import build
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.search.bilevel import BilevelSearch
from sphynx_trainer.search.locations import (
    FIRST_TEMPERATURE,
    LAST_TEMPERATURE,
    LocationNetwork,
    placement_name,
    placements,
)
from sphynx_trainer.search.recipe import SearchRecipe

QUICK = SearchRecipe(
    "quick",
    epochs=12,
    batch=32,
    learning_rate=0.1,
    architecture_learning_rate=0.1,
    crop_padding=1,
)


class Blindfolded(nn.Module):
    """A network that sees only the images of other labels: it can learn nothing."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images.roll(1, dims=0))
        return logits


def quick_search(network: LocationNetwork, folder: Path) -> BilevelSearch:
    data = synthetic(classes=4, image_size=16, records=512)
    return BilevelSearch(network, QUICK, data, folder)


def planted(best: int) -> LocationNetwork:
    """Three placements of which only one network sees its images."""
    torch.manual_seed(3)
    config = SphynxConfig(3, 3, (), image_size=16, classes=4, form="slim")
    network = LocationNetwork.of(config, placements(3))
    for index, candidate in enumerate(network.candidates):
        if index != best:
            network.candidates[index] = Blindfolded(candidate)
    return network


@pytest.mark.parametrize("best", [0, 1, 2])
def test_the_search_finds_the_only_placement_that_can_learn(best: int, tmp_path: Path) -> None:
    network = planted(best)
    quick_search(network, tmp_path).run(lambda search, loss: None)
    assert network.best() == best
    assert network.probabilities()[best] > 0.8


def test_all_placements_are_tried_in_order() -> None:
    assert placements(4) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert len(placements(10)) == 45
    assert placements(2, reduce_cells=1) == [(0,), (1,)]
    with pytest.raises(ValueError, match="3 reduce cells do not fit into 2 cells"):
        placements(2, reduce_cells=3)
    assert [placement_name(place) for place in ((0, 5), ())] == ["0-5", "none"]


def test_candidates_are_drawn_as_often_as_beta_says() -> None:
    network = LocationNetwork([nn.Identity()] * 3)
    with torch.no_grad():
        network.beta.copy_(torch.tensor([0.2, 0.3, 0.5]).log())
    drawn = torch.bincount(torch.tensor([network.draw()[0] for _ in range(4000)]), minlength=3)
    assert torch.allclose(drawn / 4000, torch.tensor([0.2, 0.3, 0.5]), atol=0.03)


@pytest.mark.parametrize("temperature", [0.5, 10.0])
def test_the_gate_is_one_and_has_the_softmaxs_gradient(temperature: float) -> None:
    network = LocationNetwork([nn.Identity()] * 4)
    network.temperature = temperature
    with torch.no_grad():
        network.beta.copy_(torch.randn(4))
    torch.manual_seed(7)
    chosen, gate = network.draw()
    assert gate.item() == pytest.approx(1)
    (gradient,) = torch.autograd.grad(gate, network.beta)
    torch.manual_seed(7)
    gumbel = -torch.empty(4).exponential_().log()
    soft = ((network.beta.detach().log_softmax(0) + gumbel) / temperature).softmax(0)
    expected = soft[chosen] * (torch.eye(4)[chosen] - soft) / temperature
    assert torch.allclose(gradient, expected, atol=1e-6)


def test_only_the_drawn_candidate_and_the_stem_that_all_share_are_trained() -> None:
    network = LocationNetwork.of(SphynxConfig(1, 3, (), image_size=16, classes=4), placements(3))
    first, *others = network.candidates
    assert all(other.stem is first.stem for other in others)
    network(torch.randn(4, 3, 16, 16)).sum().backward()
    stem = list(first.stem.parameters())
    assert all(parameter.grad is not None for parameter in stem)
    trained = [
        any(
            parameter.grad is not None
            for name, parameter in candidate.named_parameters()
            if not name.startswith("stem.")
        )
        for candidate in network.candidates
    ]
    assert sum(trained) == 1
    assert sum(each is stem[0] for each in network.weights()) == 1


def test_the_temperature_falls_linearly() -> None:
    network = LocationNetwork([nn.Identity()])
    network.begin_step(0.0)
    assert network.temperature == FIRST_TEMPERATURE == 1000
    network.begin_step(0.5)
    assert network.temperature == pytest.approx(500.05)
    network.begin_step(1.0)
    assert network.temperature == pytest.approx(LAST_TEMPERATURE)
    assert LAST_TEMPERATURE == 0.1


def test_a_resumed_search_continues_exactly(tmp_path: Path) -> None:
    class InterruptedSearchError(Exception):
        pass

    def interrupt(search: BilevelSearch, loss: float) -> None:
        if search.epoch == 3:
            raise InterruptedSearchError

    straight = planted(2)
    quick_search(straight, tmp_path / "straight").run(lambda search, loss: None)
    with pytest.raises(InterruptedSearchError):
        quick_search(planted(2), tmp_path / "broken").run(interrupt)
    network = planted(2)
    resumed = quick_search(network, tmp_path / "broken")
    with pytest.raises(FileExistsError, match="--resume"):
        resumed.begin(resume=False)
    resumed.begin(resume=True)
    assert resumed.epoch == 3
    resumed.run(lambda search, loss: None)
    assert torch.equal(network.beta, straight.beta)


def test_a_search_is_resumed_by_its_own_recipe_only(tmp_path: Path) -> None:
    quick_search(planted(0), tmp_path).save()
    network = planted(0)
    data = synthetic(classes=4, image_size=16, records=512)
    other = BilevelSearch(network, QUICK.changed({"seed": 2, "epochs": None}), data, tmp_path)
    with pytest.raises(ValueError, match="another recipe"):
        other.begin(resume=True)


def test_each_candidate_is_the_network_of_its_placement() -> None:
    config = SphynxConfig(1, 3, (), image_size=16, classes=4)
    network = LocationNetwork.of(config, placements(3))
    for place, candidate in zip(placements(3), network.candidates, strict=True):
        alone = build(SphynxConfig(1, 3, place, image_size=16, classes=4))
        shapes = {name: value.shape for name, value in alone.state_dict().items()}
        assert {name: value.shape for name, value in candidate.state_dict().items()} == shapes
