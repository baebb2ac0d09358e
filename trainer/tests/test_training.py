import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sphynx_trainer.datasets import Dataset, synthetic
from sphynx_trainer.evaluation import evaluate
from sphynx_trainer.networks.sphynx import SphynxConfig
from sphynx_trainer.recipes import CPU, PAPER, Recipe
from sphynx_trainer.training import Run, train

TINY = SphynxConfig(2, 3, (0, 1), image_size=16, classes=4)


def tiny_data() -> Dataset:
    return synthetic(classes=4, image_size=16, records=128)


def tiny_recipe(base: Recipe, epochs: int) -> Recipe:
    return replace(base, epochs=epochs, batch=32, crop_padding=1)


@pytest.mark.parametrize("base", [CPU, PAPER], ids=["cpu", "paper"])
def test_a_resumed_run_continues_exactly(base: Recipe, tmp_path: Path) -> None:
    recipe, data = tiny_recipe(base, 4), tiny_data()
    straight = Run.start(TINY, recipe, data, tmp_path / "straight")
    train(straight)
    train(Run.start(TINY, recipe, data, tmp_path / "broken"), until=2)
    resumed = Run.resume(data, tmp_path / "broken")
    assert resumed.epoch == 2
    train(resumed)
    for name, value in straight.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name


def test_training_learns_and_logs_every_epoch(tmp_path: Path) -> None:
    data = tiny_data()
    run = Run.start(TINY, replace(tiny_recipe(CPU, 12), precision="fp32"), data, tmp_path)
    train(run, evaluate_every=5)
    assert evaluate(run.network.eval(), data, data.test) > 0.6
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 13))
    assert [row["epoch"] for row in rows if row["test_accuracy"]] == ["5", "10", "12"]
    assert not list(tmp_path.glob("*.partial"))


def test_a_run_is_never_overwritten(tmp_path: Path) -> None:
    recipe, data = tiny_recipe(CPU, 1), tiny_data()
    train(Run.start(TINY, recipe, data, tmp_path))
    with pytest.raises(FileExistsError, match="--resume"):
        Run.start(TINY, recipe, data, tmp_path)


def test_a_run_resumes_only_on_its_own_data(tmp_path: Path) -> None:
    data = tiny_data()
    train(Run.start(TINY, tiny_recipe(CPU, 1), data, tmp_path))
    with pytest.raises(ValueError, match="trained on synthetic"):
        Run.resume(replace(data, name="other"), tmp_path)


def test_the_learning_rate_rises_and_falls_to_nothing() -> None:
    rates = [CPU.learning_rate_at(step, 1000) for step in range(1001)]
    assert max(rates) == rates[150] == CPU.learning_rate
    assert rates[0] == pytest.approx(0.1 * CPU.learning_rate)
    assert rates[1000] == pytest.approx(0, abs=1e-12)
    assert PAPER.learning_rate_at(0, 1000) == 0.025
