from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sphynx_trainer.cli.program import main
from sphynx_trainer.data import synthetic
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.training import Run, train
from sphynx_trainer.training.checkpoint import Checkpoint
from sphynx_trainer.training.recipes import BACKGROUND, CPU
from sphynx_trainer.training.run import held_out

TINY = SphynxConfig(1, 2, (0,), image_size=16, classes=4)
RECIPE = replace(BACKGROUND, epochs=50, batch=32, crop_padding=1, precision="fp32", warmup=0.0)


def test_a_late_decay_is_constant_and_falls_to_nothing_in_the_last_fifth() -> None:
    rates = [RECIPE.learning_rate_at(step, 100) for step in (0, 50, 80, 90, 100)]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.05, 0])


def test_a_decay_that_begins_now_takes_a_quarter_of_what_was_done() -> None:
    assert RECIPE.decaying_after(8).epochs == 10
    assert RECIPE.decaying_after(7.4).epochs == 10
    begun = replace(RECIPE, epochs=20)
    assert begun.decaying_after(16) == begun.decaying_after(19.5) == begun
    with pytest.raises(ValueError, match="only a late decay"):
        CPU.decaying_after(8)


def test_a_run_decays_once_it_is_accurate_enough(tmp_path: Path) -> None:
    data = synthetic(classes=4, image_size=16, records=128)
    run = Run.start(TINY, RECIPE, data, tmp_path)
    train(run, until_accuracy=0.01)
    assert run.epoch == run.recipe.epochs == 2
    assert run.optimizer.param_groups[0]["lr"] < 0.1


def test_a_resumed_run_can_be_told_to_end(tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    options = ["--dataset", "synthetic", "--device", "cpu"]
    shape = ["--channels", "1", "--depth", "2", "--reduce", "0"]
    assert main(["train", run, *options, *shape, "--epochs", "1"]) == 0
    assert main(["train", run, *options, "--resume", "--decay-now"]) == 1
    saved = Checkpoint.load(tmp_path / "run" / "checkpoint.pt")
    replace(saved, recipe=replace(saved.recipe, decay="late", epochs=90)).save(
        tmp_path / "run" / "checkpoint.pt"
    )
    assert main(["train", run, *options, "--resume", "--decay-now"]) == 0
    assert Checkpoint.load(tmp_path / "run" / "checkpoint.pt").epoch == 2


def test_the_held_out_images_are_never_trained_on() -> None:
    chosen, others = held_out(500, 20)
    assert len(chosen) == 20
    assert torch.equal(torch.cat((chosen, others)).sort().values, torch.arange(500))
    assert len(held_out(50, 20)[0]) == 5


def test_fewer_images_are_some_of_those_that_are_trained_on() -> None:
    chosen, others = held_out(500, 20)
    same, fewer = held_out(500, 20, 30)
    assert torch.equal(same, chosen)
    assert len(fewer) == 30
    assert set(fewer.tolist()) < set(others.tolist())
    assert torch.equal(held_out(500, 20, 1000)[1], others)
