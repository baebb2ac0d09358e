"""One epoch of a run, from wherever its last checkpoint left it."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from ..data.augmentation import Shifts, halved
from ..data.patches import Patch
from .descent import Descent, DivergedError
from .evaluation import autocast
from .fixed_point import calibrate, simulated
from .recipe import RATE
from .run import Run
from .student import loss_of
from .teachers.teacher import Teacher
from .teachers.views import LogitsOnDisk, shifts_of_view
from .totals import Clock

CHANGE = 2
"""Pixels by which later rounds of fixed views move an image further; half are mirrored too."""


def train_epoch(
    run: Run, steps: int, checkpoint_seconds: float, after_step: Callable[[int], None]
) -> None:
    """One pass over the kept training images, without those that fill no whole batch.

    All randomness is drawn from the seed and the epoch's number, so a run that is resumed after an
    epoch repeats it. The run is saved within the epoch too, every `checkpoint_seconds`, with the
    state of the CPU's generator. On a GPU the rest of such an epoch draws other numbers.
    after_step: called with the number of all steps done. Raises DivergedError if no step had
    finite gradients.
    """
    recipe, split, execution = run.recipe, run.dataset.train, run.execution
    seed = recipe.seed * 100_003 + run.epoch
    torch.manual_seed(seed + execution.rank)
    generator = Generator().manual_seed(seed)
    order = run.kept[torch.randperm(len(run.kept), generator=generator)][: steps * recipe.batch]
    order = order.view(steps, recipe.batch)[run.batch :].flatten()
    lesson = _Lesson(run, generator)
    clock, saved = Clock(), time.monotonic()
    with ExitStack() as scope:
        precision = enter_fixed_point(run, run.epoch, scope)
        # Compiled code would not see the hooks that put numbers on the grid.
        student = run.student if recipe.in_fixed_point(run.epoch) else run.compiled_student
        student.train()
        _set_drop_path(run.network, recipe.drop_path_at(run.epoch))
        if run.random is not None:
            torch.set_rng_state(run.random)
        size = recipe.batch // execution.processes
        share = execution.share(order)
        # Random crops of files are parts of a view too.
        crops = seed if lesson.view is None else lesson.view
        batches = split.batches(share, size, crops)
        descent = Descent(run.student, run.optimizer, run.parameters(), recipe.clip)
        for indices, (pixels, labels) in zip(share.split(size), batches, strict=True):
            step = run.epoch * steps + run.batch
            for group in run.optimizer.param_groups:
                rate = recipe.learning_rate_at(step, recipe.epochs * steps)
                group["lr"] = rate * group.get(RATE, 1.0)
            descent.remember()
            images = run.dataset.normalise(pixels.to(execution.device, non_blocking=True))
            viewed = lesson.viewed(indices, images)
            images = lesson.shown(indices, viewed)
            patch = lesson.patch(images)
            if patch:
                images = patch.apply(images)
            images = images.contiguous(memory_format=execution.order)
            labels = labels.to(execution.device, non_blocking=True)
            seen = halved(images) if recipe.is_small(run.epoch) else images
            with autocast(precision, images.device.type):
                outputs = student(seen)
                began = time.process_time()
                taught = lesson.taught(indices, viewed)
                run.totals.teacher_seconds += time.process_time() - began
            loss = loss_of(recipe, outputs, labels, taught, patch)
            task_loss = loss.detach()
            if run.penalty is not None:
                loss = loss + run.penalty()
            run.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if descent.step():
                run.totals.add(task_loss, outputs.logits, labels, mixed=patch is not None)
                if run.average:
                    run.average.update(run.network, step)
            else:
                run.totals.skipped += 1
            run.batch += 1
            clock.charge(run.totals)
            due = time.monotonic() - saved > checkpoint_seconds and run.batch < steps
            if due and execution.leads:
                saved = time.monotonic()
                run.random = torch.get_rng_state()
                run.save()
            after_step(step + 1)
    if run.totals.skipped == steps:
        raise DivergedError(run.epoch + 1, steps)


class _Lesson:
    """How an epoch shows its images, and what the teachers say about them.

    Where the ways to show them are fixed, each of the later rounds changes them a little, anew in
    every epoch, or the student would learn them by heart. The teachers' logits stay those of the
    first round.
    """

    def __init__(self, run: Run, generator: Generator) -> None:
        recipe, images = run.recipe, len(run.dataset.train.labels)
        self.run = run
        self.view = run.epoch % recipe.views if recipe.views and run.teachers else None
        self.disk = LogitsOnDisk(
            run.logits_folder,
            run.dataset.fingerprint,
            images,
            len(run.dataset.classes),
            recipe.crop_padding,
        )
        self.changes: Shifts | None = None
        if self.view is None:
            self.shifts = Shifts.draw(images, recipe.crop_padding, generator)
            return
        self.shifts = shifts_of_view(self.view, images, recipe.crop_padding)
        if run.epoch >= recipe.views:
            padding = min(recipe.crop_padding, CHANGE)
            self.changes = Shifts.draw(images, padding, generator)

    def viewed(self, indices: Tensor, images: Tensor) -> Tensor:
        """The images with the given indices as the teachers see them."""
        return self.shifts.of(indices).apply(images)

    def shown(self, indices: Tensor, viewed: Tensor) -> Tensor:
        """The same as the student sees them."""
        return viewed if self.changes is None else self.changes.of(indices).apply(viewed)

    def patch(self, images: Tensor) -> Patch | None:
        """What the images [N, C, S, S] of a step show of each other, if anything."""
        mixing = self.run.recipe.mixing_at(self.run.epoch)
        if not mixing or torch.rand(()).item() >= mixing:
            return None
        return Patch.draw(len(images), images.shape[-1])

    def taught(self, indices: Tensor, viewed: Tensor) -> Tensor | None:
        """The teachers' logits [teachers, N, classes], or None without teachers."""
        teachers = self.run.teachers
        if not teachers:
            return None
        if self.view is None:
            return torch.stack([teacher.logits(viewed) for teacher in teachers])

        def compute(teacher: Teacher, positions: Tensor) -> Tensor:
            return teacher.logits(viewed[positions.to(viewed.device)])

        return self.disk.logits(teachers, self.view, indices, compute).to(viewed.device)


def enter_fixed_point(run: Run, epoch: int, scope: ExitStack) -> str:
    """Simulates fixed point in an epoch that asks for it. Returns the epoch's precision.

    The grid is measured afresh on the same images at the start of every such epoch, and where a
    run is resumed within it. bfloat16 would hide the grid's low bits.
    """
    recipe = run.recipe
    if not recipe.in_fixed_point(epoch):
        return recipe.precision
    for network in {run.network, run.best_network}:
        grid = calibrate(network, run.dataset, recipe.fixed_point_bits)
        scope.enter_context(simulated(network, grid))
    return "fp32"


@runtime_checkable
class _DropsPaths(Protocol):
    """A module that can leave out paths."""

    drop_path: float


def _set_drop_path(network: nn.Module, chance: float) -> None:
    """Sets the chance in every module that can leave out paths."""
    for module in network.modules():
        if isinstance(module, _DropsPaths):
            module.drop_path = chance
