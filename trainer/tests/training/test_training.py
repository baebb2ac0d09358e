import csv
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from sphynx_trainer.data import Dataset, synthetic
from sphynx_trainer.data.augmentation import halved
from sphynx_trainer.networks.activations.masked_relu import MaskedReLU, replace_module
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.training import Run, loop, train
from sphynx_trainer.training.average import Average
from sphynx_trainer.training.evaluation import evaluate
from sphynx_trainer.training.execution import Execution
from sphynx_trainer.training.log import read_points
from sphynx_trainer.training.loop import held_out_accuracy
from sphynx_trainer.training.recipe import Recipe
from sphynx_trainer.training.recipes import BACKGROUND, CPU, LINEARIZE, PAPER, PAPER_IMAGENET
from sphynx_trainer.training.speed.peak import multiplications_per_image

TINY = SphynxConfig(2, 3, (0, 1), image_size=16, classes=4)


def tiny_data() -> Dataset:
    return synthetic(classes=4, image_size=16, records=128)


def tiny_recipe(base: Recipe, epochs: int) -> Recipe:
    return replace(base, epochs=epochs, batch=32, crop_padding=1)


SMALL = replace(CPU, name="small", small_epochs=3)
FIXED = replace(CPU, name="fixed", average=0.9, fixed_point_epochs=2, fixed_point_bits=10)


@pytest.mark.parametrize(
    "base", [CPU, PAPER, LINEARIZE, SMALL, FIXED], ids=lambda recipe: recipe.name
)
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
    for name, value in straight.best_network.state_dict().items():
        assert torch.equal(value, resumed.best_network.state_dict()[name]), name


def test_the_student_sees_small_images_in_the_first_epochs_only(tmp_path: Path) -> None:
    run = Run.start(TINY, replace(tiny_recipe(SMALL, 5), held_out=32), tiny_data(), tmp_path)
    sides: list[int] = []

    def note(student: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if student.training:
            sides.append(inputs[0].shape[-1])

    run.student.register_forward_pre_hook(note)
    train(run)
    steps = len(sides) // 5
    assert steps > 0
    assert sides == [8] * 3 * steps + [16] * 2 * steps
    assert "half the size in the first 3 epochs" in run.recipe.description()["augmentation"]


def test_the_share_of_the_peak_counts_the_images_that_were_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def count(network: nn.Module, image_size: int) -> int:
        sizes.append(image_size)
        return multiplications_per_image(network, image_size)

    monkeypatch.setattr(loop, "multiplications_per_image", count)
    train(Run.start(TINY, tiny_recipe(SMALL, 5), tiny_data(), tmp_path))
    assert sizes == [8] * 3 + [16] * 2


def test_whole_images_come_last_however_early_the_decay_begins() -> None:
    recipe = replace(BACKGROUND, epochs=100, small_epochs=60)
    assert recipe.decaying_after(80).small_epochs == 60
    assert recipe.decaying_after(8).epochs == 10
    assert recipe.decaying_after(8).small_epochs == 8
    assert recipe.decaying_after(0.1).small_epochs == 0
    for small in (-1, 100):
        with pytest.raises(ValueError, match="whole ones"):
            replace(recipe, small_epochs=small)


def test_small_images_are_the_means_of_four_pixels() -> None:
    images = torch.arange(32.0).view(1, 2, 4, 4)
    assert halved(images)[0, 1].tolist() == [[18.5, 20.5], [26.5, 28.5]]


def test_a_network_with_a_mask_refuses_small_images_with_what_to_do(tmp_path: Path) -> None:
    run = Run.start(TINY, tiny_recipe(SMALL, 4), tiny_data(), tmp_path)
    replace_module(run.network, "cells.0.relu", MaskedReLU(torch.ones(8, 8, 8)))
    with pytest.raises(ValueError, match=r"images of 16 pixels only.*small_epochs=0"):
        train(run)


def test_training_learns_and_logs_every_epoch(tmp_path: Path) -> None:
    data = tiny_data()
    run = Run.start(TINY, replace(tiny_recipe(CPU, 12), precision="fp32"), data, tmp_path)
    train(run, evaluate_every=5)
    assert evaluate(run.network.eval(), data, data.test) > 0.6
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 13))
    assert [row["epoch"] for row in rows if row["held_out_accuracy"]] == ["5", "10", "12"]
    assert not list(tmp_path.glob("*.partial"))
    curve = ElementTree.parse(tmp_path / "curve.svg").getroot()
    lines = [line.attrib["points"].split() for line in curve.iter() if "points" in line.attrib]
    assert [len(points) for points in lines] == [12, 3]


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


def test_steps_divide_the_learning_rate_by_ten() -> None:
    rates = [PAPER_IMAGENET.learning_rate_at(step, 1200) for step in (0, 299, 300, 600, 900)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.001, 0.0001])


@pytest.mark.parametrize("change", [{"optimizer": "lbfgs"}, {"decay": "linear"}])
def test_a_recipe_that_means_nothing_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="unknown"):
        CPU.changed(change)


def test_all_images_may_be_trained_on(tmp_path: Path) -> None:
    run = Run.start(TINY, replace(tiny_recipe(CPU, 4), held_out=0), tiny_data(), tmp_path)
    train(run, until=1)
    assert len(run.kept) == len(run.dataset.train.labels)
    (point,) = read_points(tmp_path / "log.csv")
    assert point.held_out is None
    with pytest.raises(ValueError, match="no images are held out"):
        held_out_accuracy(run)


def test_training_accuracy_is_that_of_images_that_are_not_mixed(tmp_path: Path) -> None:
    for mixing in (0.5, 1.0):
        recipe = replace(tiny_recipe(CPU, 4), batch=8, mixing=mixing)
        run = Run.start(TINY, recipe, tiny_data(), tmp_path / str(mixing))
        train(run, until=1)
        (point,) = read_points(tmp_path / str(mixing) / "log.csv")
        assert (point.train is None) == (mixing == 1)
        assert (tmp_path / str(mixing) / "curve.svg").is_file()


@pytest.mark.parametrize("mixing", [-0.1, 1.1])
def test_a_share_of_steps_beyond_all_is_refused(mixing: float) -> None:
    with pytest.raises(ValueError, match=r"expected 0 to 1 \(mixing\)"):
        CPU.changed({"mixing": mixing})


def test_an_average_forgets_the_start_and_then_moves_slowly() -> None:
    network = torch.nn.BatchNorm2d(1)
    average = Average(network, decay=0.9)
    torch.nn.init.constant_(network.weight, 2.0)
    network.num_batches_tracked += 7
    average.update(network, 0)
    assert average.network.weight.item() == pytest.approx(0.1 * 1 + 0.9 * 2)
    assert average.network.num_batches_tracked.item() == 7
    average.update(network, 10**6)
    assert average.network.weight.item() == pytest.approx(0.9 * 1.9 + 0.1 * 2)


def test_a_student_comes_closer_to_its_teachers_logits(tmp_path: Path) -> None:
    data = tiny_data()
    recipe = replace(tiny_recipe(CPU, 6), precision="fp32")
    train(Run.start(TINY, recipe, data, tmp_path / "teacher"))

    def distance(run: Run, teacher: torch.nn.Module) -> float:
        images = data.normalise(data.test.images)
        with torch.no_grad():
            return float((run.network.eval()(images) - teacher(images)).square().mean())

    distil = replace(recipe, seed=2, distillation=0.5)
    student = Run.start(TINY, distil, data, tmp_path / "student")
    student.learn_from([str(tmp_path / "teacher")])
    train(student, until=3)
    resumed = Run.resume(data, tmp_path / "student")
    (teacher,) = resumed.teachers
    train(resumed)
    alone = Run.start(TINY, replace(recipe, seed=2), data, tmp_path / "alone")
    train(alone)
    assert distance(resumed, teacher.network) < 0.5 * distance(alone, teacher.network)


def test_tensorboard_gets_every_figure_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scalars: list[tuple[str, int]] = []

    class Writer:
        def __init__(self, folder: str) -> None:
            assert folder == str(tmp_path)

        def add_scalar(self, name: str, value: float, epoch: int) -> None:
            scalars.append((name, epoch))

        def flush(self) -> None:
            pass

    module = SimpleNamespace(SummaryWriter=Writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    train(Run.start(TINY, tiny_recipe(CPU, 2), tiny_data(), tmp_path), evaluate_every=2)
    assert [epoch for name, epoch in scalars if name == "train_loss"] == [1, 2]
    assert [epoch for name, epoch in scalars if name == "held_out_accuracy"] == [2]


def test_a_batch_that_processes_cannot_share_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 processes cannot share 32"):
        Run.start(TINY, tiny_recipe(CPU, 1), tiny_data(), tmp_path, Execution(processes=3))
