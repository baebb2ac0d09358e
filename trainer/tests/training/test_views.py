from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from sphynx_trainer.data import Split
from sphynx_trainer.training import Run, train
from sphynx_trainer.training.teachers.teacher import Teacher
from sphynx_trainer.training.teachers.views import LogitsOnDisk, shifts_of_view

from .tiny_student import RECIPE, TINY, tiny_data


def test_logits_on_disk_are_computed_once(tmp_path: Path) -> None:
    teacher = Teacher("t", torch.nn.Linear(3, 4))
    disk = LogitsOnDisk(tmp_path, "synthetic", 10, 4, 1)
    asked: list[list[int]] = []

    def compute(teacher: Teacher, positions: Tensor) -> Tensor:
        asked.append(positions.tolist())
        return positions[:, None].float() * torch.ones(4)

    first = disk.logits([teacher], 0, torch.tensor([7, 2]), compute)
    again = disk.logits([teacher], 0, torch.tensor([2, 5, 7]), compute)
    other = disk.logits([teacher], 1, torch.tensor([2]), compute)
    assert asked == [[0, 1], [1], [0]]
    assert first[0, :, 0].tolist() == [0, 1]
    assert again[0, :, 0].tolist() == [1, 1, 0]
    assert other[0, :, 0].tolist() == [0]


def test_data_sets_of_one_name_do_not_share_logits() -> None:
    data = tiny_data()
    assert isinstance(data.train, Split)
    other = replace(data, train=data.train._replace(labels=data.train.labels.flip(0)))
    assert other.fingerprint != data.fingerprint == tiny_data().fingerprint
    assert data.fingerprint.startswith("synthetic-")


def test_a_view_has_the_same_random_crops_in_every_round(tmp_path: Path) -> None:
    seeds: list[int] = []

    class Noted(Split):
        def batches(
            self, indices: Tensor, size: int, seed: int = 0
        ) -> Iterator[tuple[Tensor, Tensor]]:
            if size == RECIPE.batch:
                seeds.append(seed)
            return super().batches(indices, size, seed)

    data = tiny_data()
    assert isinstance(data.train, Split)
    noted = replace(data, train=Noted(*data.train))
    train(Run.start(TINY, RECIPE, data, tmp_path / "teacher"), until=1)
    run = Run.start(TINY, RECIPE, noted, tmp_path / "student")
    run.learn_from([str(tmp_path / "teacher")])
    train(run)
    assert seeds == [0, 1, 0, 1]
    seeds.clear()
    train(Run.start(TINY, replace(RECIPE, views=0), noted, tmp_path / "alone"))
    assert len(set(seeds)) == RECIPE.epochs


def test_a_view_shows_an_image_the_same_way_in_every_run() -> None:
    one, same, other = (shifts_of_view(view, 50, 4) for view in (0, 0, 1))
    assert torch.equal(one.top, same.top)
    assert torch.equal(one.mirrored, same.mirrored)
    assert not torch.equal(one.left, other.left)


def test_runs_share_their_teachers_logits(tmp_path: Path) -> None:
    data = tiny_data()
    train(Run.start(TINY, replace(RECIPE, views=0), data, tmp_path / "teacher"))
    for name in ("first", "second"):
        recipe = replace(RECIPE, seed=len(name), batch=29)  # divides the images that are kept
        run = Run.start(TINY, recipe, data, tmp_path / name)
        run.learn_from([str(tmp_path / "teacher")])
        run.logits_folder = tmp_path / "logits"
        if name == "second":
            run.teachers[0].logits = None  # type: ignore[method-assign, assignment]
        train(run, until=2 if name == "first" else 1)
    assert len(list((tmp_path / "logits").iterdir())) == 2
    assert run.checkpoint.history[-1]["teachers"] == ["teacher"]


def test_later_rounds_change_the_views_anew_but_not_what_is_taught(tmp_path: Path) -> None:
    data = tiny_data()
    train(Run.start(TINY, replace(RECIPE, views=0), data, tmp_path / "teacher"))
    run = Run.start(TINY, replace(RECIPE, batch=29, epochs=6), data, tmp_path / "student")
    run.learn_from([str(tmp_path / "teacher")])
    shown: list[Tensor] = []
    asked: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if module.training:
            shown.append(inputs[0])

    def answer(images: Tensor) -> Tensor:
        asked.append(images)
        return torch.zeros(len(images), 4)

    def rows(parts: list[Tensor]) -> Tensor:
        """The images in an order of their own, and nothing in `parts`."""
        images = torch.cat(parts)
        parts.clear()
        return torch.unique(images.flatten(1), dim=0)

    def epoch(number: int) -> tuple[Tensor, Tensor | None]:
        train(run, until=number)
        return rows(shown), rows(asked) if asked else None

    run.student.register_forward_pre_hook(note)
    run.teachers[0].logits = answer  # type: ignore[method-assign]
    first, taught = epoch(1)
    assert taught is not None
    assert torch.equal(first, taught)
    second, _ = epoch(2)
    assert not torch.equal(first, second)
    third, taught = epoch(3)
    assert taught is None, "its logits are those of the first epoch"
    epoch(4)
    fifth, _ = epoch(5)
    assert not torch.equal(first, third)
    assert not torch.equal(third, fifth)
    for file in run.logits_folder.iterdir():
        file.unlink()
    sixth, taught = epoch(6)
    assert taught is not None
    assert torch.equal(second, taught), "they are asked about what the first round showed"
    assert not torch.equal(second, sixth)
