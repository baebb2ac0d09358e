from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.cli.program import main
from sphynx_trainer.data import Dataset, synthetic
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.search.bilevel import BilevelSearch
from sphynx_trainer.search.locations import LocationNetwork
from sphynx_trainer.search.recipe import LOCATIONS
from sphynx_trainer.training import Run, train
from sphynx_trainer.training.descent import Descent, DivergedError
from sphynx_trainer.training.recipes import CPU

TINY = SphynxConfig(2, 3, (0, 1), image_size=16, classes=4)
RECIPE = replace(CPU, epochs=3, batch=32, crop_padding=1, average=0.9, precision="fp32")


def tiny_data() -> Dataset:
    return synthetic(classes=4, image_size=16, records=128)


def spoil(monkeypatch: pytest.MonkeyPatch, *batches: int) -> None:
    """Gives some of the batches that are normalised pixels without end."""
    normalise, numbers = Dataset.normalise, count()

    def spoiled(dataset: Dataset, images: Tensor) -> Tensor:
        good = normalise(dataset, images)
        return good * torch.inf if next(numbers) in batches else good

    monkeypatch.setattr(Dataset, "normalise", spoiled)


def assert_finite(network: nn.Module) -> None:
    for name, value in network.state_dict().items():
        assert value.isfinite().all(), name


@pytest.mark.parametrize("worst", [float("nan"), float("inf")])
def test_a_step_without_finite_gradients_changes_nothing(worst: float) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    descent = Descent(network, optimizer, network.parameters(), clip=1.0)
    images = torch.randn(4, 1, 3, 3)
    norm = network[1]
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None

    def step(scale: float) -> bool:
        descent.remember()
        optimizer.zero_grad()
        (network(images * scale) * torch.randn(4, 2, 3, 3)).sum().backward()
        return descent.step()

    assert step(1.0)
    weight, mean = network[0].weight.clone(), norm.running_mean.clone()
    assert not step(worst)
    assert torch.equal(network[0].weight, weight)
    assert torch.equal(norm.running_mean, mean)
    assert step(1.0)
    assert not torch.equal(network[0].weight, weight)
    assert not torch.equal(norm.running_mean, mean)
    assert_finite(network)


def test_a_run_skips_a_batch_that_overflows_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tiny_data()
    run = Run.start(TINY, RECIPE, data, tmp_path)
    spoil(monkeypatch, 0, 2)
    train(run, evaluate_every=3, until=1)
    assert_finite(run.network)
    assert_finite(run.best_network)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].endswith("skipped 2 without finite gradients")
    assert "nan" not in (tmp_path / "log.csv").read_text()
    train(run, evaluate_every=3, until=2)
    assert "skipped" not in capsys.readouterr().err


def test_a_penalty_that_is_no_number_is_skipped_too(tmp_path: Path) -> None:
    run = Run.start(TINY, RECIPE, tiny_data(), tmp_path)
    calls = count()
    weight = run.network.classify.weight
    run.penalty = lambda: weight.sum() * (float("nan") if next(calls) == 1 else 0.0)
    train(run, until=1)
    assert next(calls) > 2
    assert_finite(run.network)


def test_a_run_stops_after_an_epoch_without_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiny_data()
    run = Run.start(TINY, RECIPE, data, tmp_path)
    train(run, until=1)
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    spoil(monkeypatch, *range(100))
    with pytest.raises(DivergedError, match=r"in epoch 2 none of 3 steps .* lower learning rate"):
        train(run)
    monkeypatch.undo()
    resumed = Run.resume(data, tmp_path)
    assert resumed.epoch == 1
    for name, value in resumed.network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_divergence_is_one_line_and_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(monkeypatch, *range(10_000))
    command = ["train", str(tmp_path), "--dataset", "synthetic", "--channels", "1", "--depth", "2"]
    assert main([*command, "--epochs", "1", "--reduce", "0", "--speed", "eager"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("sphynx-trainer: the training div")


def test_a_search_skips_such_steps_and_stops_without_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network = LocationNetwork.of(replace(TINY, reduce=()), [(0, 1), (1, 2)])
    recipe = replace(LOCATIONS, epochs=2, batch=16, crop_padding=1)
    search = BilevelSearch(network, recipe, tiny_data(), tmp_path)
    losses: list[float] = []
    spoil(monkeypatch, 0, 3)
    search.recipe = replace(recipe, epochs=1)
    search.run(lambda _, loss: losses.append(loss))
    assert "skipped 2 steps" in capsys.readouterr().err
    assert torch.tensor(losses).isfinite().all()
    assert_finite(network)
    monkeypatch.undo()
    spoil(monkeypatch, *range(100))
    search.recipe = recipe
    with pytest.raises(DivergedError, match="in epoch 2 none of"):
        search.run(lambda _, loss: losses.append(loss))
