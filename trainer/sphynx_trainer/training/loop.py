"""Trains a run by its recipe, with a checkpoint and a line of the log after every epoch."""

import io
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ..augmentation import flip_and_crop
from ..evaluation import autocast, evaluate
from ..fixed_point import calibrate, simulated
from ..progress import Progress
from .log import Log, Row
from .run import Run
from .student import loss_of


@dataclass
class _Totals:
    """Sums over the batches of an epoch. loss: weighted by the images of a batch."""

    images: int = 0
    loss: float = 0.0
    hits: int = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        self.images += len(labels)
        self.loss += loss.item() * len(labels)
        self.hits += int((logits.argmax(1) == labels).sum())


def train(
    run: Run,
    *,
    until: int | None = None,
    evaluate_every: int = 1,
    after_epoch: Callable[[Run], bool] | None = None,
) -> None:
    """Trains to the recipe's last epoch, or to epoch `until`.

    evaluate_every: epochs between measurements on the test split; the last is always measured.
    after_epoch: called before the checkpoint is written; training ends once it returns True.
    """
    last = run.recipe.epochs if until is None else until
    steps = len(run.dataset.train.labels) // run.recipe.batch
    execution = run.execution
    progress = _progress(run, last, steps)
    log = Log(run.folder) if execution.leads else None
    done = False
    while run.epoch < last and not done:
        began = time.monotonic()
        totals = _train_epoch(run, steps, progress)
        run.epoch += 1
        done = after_epoch(run) if after_epoch else False
        tested = None
        if run.epoch % evaluate_every == 0 or run.epoch == run.recipe.epochs or done:
            tested = _test(run)
        images, loss, hits = execution.total([totals.images, totals.loss, totals.hits])
        if log is not None:
            rate = run.optimizer.param_groups[0]["lr"]
            seconds = time.monotonic() - began
            row = Row(run.epoch, seconds, rate, loss / images, hits / images, tested)
            run.save()
            log.write(row)
            progress.line("  ".join(f"{k} {v}" for k, v in row.cells().items() if v))


def _progress(run: Run, last: int, steps: int) -> Progress:
    """Progress on the screen, from the leading process only."""
    if run.execution.leads:
        return Progress(last * steps, run.epoch * steps)
    return Progress(last * steps, run.epoch * steps, io.StringIO())


def _test(run: Run) -> float:
    """Accuracy on the test split, in fixed point once the recipe trains in it."""
    with ExitStack() as scope:
        precision = _enter_fixed_point(run, run.epoch - 1, scope)
        return evaluate(run.best_network, run.dataset, run.dataset.test, precision, run.execution)


def _enter_fixed_point(run: Run, epoch: int, scope: ExitStack) -> str:
    """Simulates fixed point in an epoch that asks for it. Returns the epoch's precision.

    The grid is measured afresh on the same images in every such epoch, so that a resumed run
    finds it again. bfloat16 would hide the grid's low bits.
    """
    recipe = run.recipe
    if not recipe.in_fixed_point(epoch):
        return recipe.precision
    for network in {run.network, run.best_network}:
        grid = calibrate(network, run.dataset, recipe.fixed_point_bits)
        scope.enter_context(simulated(network, grid))
    return "fp32"


def _train_epoch(run: Run, steps: int, progress: Progress) -> _Totals:
    """One pass over the training split, without the images that fill no whole batch.

    All randomness is drawn from the seed and the epoch's number, so a resumed run repeats it.
    """
    recipe, split, execution = run.recipe, run.dataset.train, run.execution
    epoch_seed = recipe.seed * 100_003 + run.epoch
    torch.manual_seed(epoch_seed + execution.rank)
    generator = torch.Generator().manual_seed(epoch_seed)
    order = torch.randperm(len(split.labels), generator=generator)[: steps * recipe.batch]
    if execution.rank:
        generator.manual_seed(epoch_seed + execution.rank)
    totals = _Totals()
    with ExitStack() as scope:
        precision = _enter_fixed_point(run, run.epoch, scope)
        # Compiled code would not see the hooks that put numbers on the grid.
        student = run.student if recipe.in_fixed_point(run.epoch) else run.compiled_student
        student.train()
        _set_drop_path(run.network, recipe.drop_path_at(run.epoch))
        batches = split.batches(
            execution.share(order), recipe.batch // execution.processes, epoch_seed
        )
        for batch, (pixels, labels) in enumerate(batches):
            step = run.epoch * steps + batch
            for group in run.optimizer.param_groups:
                group["lr"] = recipe.learning_rate_at(step, recipe.epochs * steps)
            images = run.dataset.normalise(pixels.to(execution.device, non_blocking=True))
            images = flip_and_crop(images, recipe.crop_padding, generator)
            labels = labels.to(execution.device, non_blocking=True)
            totals.add(*_step(run, student, images, labels, precision), labels)
            if run.average:
                run.average.update(run.network, step)
            mean_loss = totals.loss / totals.images
            progress.update(step + 1, f"epoch {run.epoch + 1} loss {mean_loss:.3f}")
    return totals


@runtime_checkable
class _DropsPaths(Protocol):
    """A module that can leave out paths."""

    drop_path: float


def _set_drop_path(network: nn.Module, chance: float) -> None:
    """Sets the chance in every module that can leave out paths."""
    for module in network.modules():
        if isinstance(module, _DropsPaths):
            module.drop_path = chance


def _step(
    run: Run, student: nn.Module, images: Tensor, labels: Tensor, precision: str
) -> tuple[Tensor, Tensor]:
    """One optimizer step. Returns the loss and the logits."""
    images = images.contiguous(memory_format=torch.channels_last)
    taught = None
    with autocast(precision, images.device.type):
        outputs = student(images)
        if run.teacher is not None:
            with torch.no_grad():
                taught = run.teacher(images)
    loss = loss_of(run.recipe, outputs, labels, taught)
    if run.penalty is not None:
        loss = loss + run.penalty()
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(run.parameters(), run.recipe.clip)
    run.optimizer.step()
    return loss.detach(), outputs.logits
