"""Trains a run by its recipe, with a checkpoint and a line of the log after every epoch."""

import io
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import torch

from ..data import FolderSplit
from ..data.augmentation import halved
from .epoch import enter_fixed_point, train_epoch
from .evaluation import evaluate
from .log import Log, Row
from .progress import Progress
from .run import Run
from .speed.peak import multiplications_per_image, peak_multiplications, share_of_peak
from .totals import Totals

CHECKPOINT_SECONDS = 300.0
"""Time between checkpoints within an epoch."""


def train(
    run: Run,
    *,
    until: int | None = None,
    until_accuracy: float | None = None,
    evaluate_every: int = 1,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    after_epoch: Callable[[Run], bool] | None = None,
    describe: Callable[[], str] | None = None,
) -> None:
    """Trains to the recipe's last epoch, or to epoch `until`.

    until_accuracy: once this share of the held-out images is right, the late decay begins and the
    run ends with it. evaluate_every: epochs between measurements on the held-out images, if there
    are any; the recipe's last epoch is measured too. after_epoch: called before the checkpoint is
    written; training ends once it returns True. describe: says where such a training stands; its
    end cannot be foretold, so the progress shows the time that has passed in place of what is
    left. Raises DivergedError as train_epoch, ValueError if the recipe has small images and the
    network cannot take them, or if `until_accuracy` can have no effect.
    """
    _check_small_images(run)
    if until_accuracy is not None:
        _check_late_decay(run)
    steps = len(run.kept) // run.recipe.batch
    progress = _progress(run, until, steps, open_ended=describe is not None)
    log = Log(run.folder) if run.execution.leads else None
    done = False
    while run.epoch < (run.recipe.epochs if until is None else until) and not done:

        def show(step: int) -> None:
            totals = run.totals
            state = totals.describe_skipped() + (f"  {describe()}" if describe else "")
            progress.update(step, f"epoch {run.epoch + 1} loss {totals.mean_loss:.3f}{state}")

        train_epoch(run, steps, checkpoint_seconds, show)
        totals = run.totals
        run.seconds += totals.seconds
        run.epoch, run.batch, run.random, run.totals = run.epoch + 1, 0, None, Totals()
        done = after_epoch(run) if after_epoch else False
        accuracy = None
        due = run.epoch % evaluate_every == 0 or run.epoch == run.recipe.epochs or done
        if due and len(run.held_out):
            accuracy = held_out_accuracy(run)
        row = _row(run, totals, accuracy)
        if until_accuracy and accuracy is not None and accuracy >= until_accuracy:
            until_accuracy = None
            run.change(run.recipe.decaying_after(run.epoch))
        if log is not None:
            run.save()
            log.write(row)
            cells = "  ".join(f"{k} {v}" for k, v in row.cells().items() if v)
            progress.line(cells + totals.describe_skipped())
            if describe:
                progress.line(describe())


def _check_small_images(run: Run) -> None:
    """Raises ValueError for a network that cannot take the small images of its recipe."""
    if not run.recipe.is_small(run.epoch):
        return
    images = torch.zeros(2, 3, *[run.dataset.image_size] * 2, device=run.execution.device)
    was_training = run.network.training
    try:
        with torch.no_grad():
            run.network.eval()(halved(images))
    except RuntimeError as error:
        raise ValueError(
            f"this network takes images of {run.dataset.image_size} pixels only: train it with "
            "--set small_epochs=0"
        ) from error
    finally:
        run.network.train(was_training)


def _check_late_decay(run: Run) -> None:
    """Raises ValueError for a run in which no accuracy can make the late decay begin."""
    if not len(run.held_out):
        raise ValueError("without held-out images no accuracy is measured (--set held_out=2000)")
    run.recipe.decaying_after(run.epoch)


def held_out_accuracy(run: Run) -> float:
    """Accuracy on the held-out images, in fixed point once the recipe trains in it.

    Raises ValueError if none are held out.
    """
    if not len(run.held_out):
        raise ValueError("no images are held out to measure an accuracy (--set held_out=2000)")
    split = run.dataset.train
    if isinstance(split, FolderSplit):
        split = replace(split, scale=None)
    with ExitStack() as scope:
        precision = enter_fixed_point(run, run.epoch - 1, scope)
        return evaluate(
            run.best_network, run.dataset, split, precision, run.execution, run.held_out
        )


def _row(run: Run, totals: Totals, accuracy: float | None) -> Row:
    """The epoch's line of the log, over all processes."""
    images, loss, whole, hits, cpu_seconds, teacher_seconds = run.execution.total(
        [
            totals.images,
            totals.loss,
            totals.whole,
            totals.hits,
            totals.cpu_seconds,
            totals.teacher_seconds,
        ]
    )
    return Row(
        run.epoch,
        totals.seconds,
        cpu_seconds,
        teacher_seconds,
        images / totals.seconds,
        _share_of_peak(run, images / totals.seconds),
        run.optimizer.param_groups[0]["lr"],
        loss / images,
        hits / whole if whole else None,
        accuracy,
    )


def _share_of_peak(run: Run, images_per_second: float) -> float:
    """What the run uses of the arithmetic that its processes have."""
    execution, recipe, epoch = run.execution, run.recipe, run.epoch - 1
    precision = "fp32" if recipe.in_fixed_point(epoch) else recipe.precision
    peak = peak_multiplications(precision, execution.device, torch.get_num_threads())
    size = run.dataset.image_size // 2 if recipe.is_small(epoch) else run.dataset.image_size
    multiplications = multiplications_per_image(run.network, size)
    return share_of_peak(images_per_second, multiplications, execution.processes * peak)


def _progress(run: Run, until: int | None, steps: int, *, open_ended: bool) -> Progress:
    """Progress on the screen, from the leading process only."""
    total = (run.recipe.epochs if until is None else until) * steps
    done = run.epoch * steps + run.batch
    stream = sys.stderr if run.execution.leads else io.StringIO()
    return Progress(total, done, stream, open_ended=open_ended)
