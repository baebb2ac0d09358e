"""Take single ReLUs (or channels of them) away from a trained network, to an exact budget."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...data import Dataset
from ...export.import_model import is_model, read_model
from ...networks.base.classifier import Classifier
from ...networks.families import Config
from ...reduction.linearize import Linearization, binarize, make_selective
from ...training import Run, train
from ...training.checkpoint import CHECKPOINT, load_checkpoint
from ...training.execution import Execution
from ...training.recipes import LINEARIZE, SNL_TUNE
from ...training.speed.settle import settle
from ..options.data import chosen_dataset
from ..options.training import (
    add_training_arguments,
    assignments,
    chosen_recipe,
    resumed_run,
    train_as_asked,
    with_execution,
)

SHARED = ("images", "held_out", "precision")
"""Fields of the fine-tuning's recipe that also hold for the first phase."""
FIRST_PHASE = "linearize"
"""Folder, in the run's, of the phase that trains the coefficients."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options. The recipe's are those of the fine-tuning."""
    add_reduction_arguments(parser)
    parser.add_argument("--channel-wise", action="store_true", help="whole channels")


def add_reduction_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what all commands have in common that choose ReLUs by a penalty."""
    parser.add_argument(
        "source",
        type=Path,
        help="the trained network, which is the teacher: a run's folder, a folder of the zoo or "
        "FILE.onnx",
    )
    parser.add_argument("folder", type=Path, help="the new run")
    add_training_arguments(parser)
    parser.add_argument("--budget", type=int, required=True, metavar="RELUS")
    parser.add_argument(
        "--linearize-epochs",
        type=int,
        metavar="EPOCHS",
        help="of the first phase at most, which ends once the budget is reached; "
        f"default: --epochs, or else {LINEARIZE.epochs}",
    )
    parser.add_argument(
        "--linearize-set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other field of the first phase's recipe, such as choice_rate=5; with --resume, "
        "penalty=WEIGHT changes the penalty of a phase that has begun",
    )


def run(options: argparse.Namespace) -> None:
    """Chooses the ReLUs that stay, then fine-tunes the network without the others."""

    def prepare(network: Classifier, dataset: Dataset, execution: Execution) -> None:
        make_selective(network, dataset.image_size, channel_wise=options.channel_wise)

    reduce_as_asked(options, prepare)


Prepare = Callable[[Classifier, Dataset, Execution], None]
"""Gives every ReLU of a network a trainable coefficient."""


def reduce_as_asked(options: argparse.Namespace, prepare: Prepare) -> None:
    """Both phases: the choice of ReLUs, and the training without the others."""

    def work(execution: Execution) -> None:
        dataset = chosen_dataset(options)
        if options.resume and (options.folder / CHECKPOINT).exists():
            train_as_asked(resumed_run(options, dataset, options.folder, execution), options)
            return
        first = _linearized(options, dataset, execution, prepare)
        binarize(first.network, dataset.image_size, options.budget)
        recipe = chosen_recipe(options, SNL_TUNE)
        run = Run.begin(first.config, first.network, recipe, dataset, options.folder, execution)
        run.earlier = first.checkpoint.history
        run.learn_from([str(options.source)])
        train_as_asked(run, options)

    with_execution(options, work)


def _linearized(
    options: argparse.Namespace, dataset: Dataset, execution: Execution, prepare: Prepare
) -> Run:
    """The first phase, started or resumed, at its end."""
    folder = options.folder / FIRST_PHASE
    own = assignments(options.linearize_set, "--linearize-set")
    if options.resume and (folder / CHECKPOINT).exists():
        run = Run.resume(dataset, folder, execution)
        _change_penalty(run, own)
    else:
        network, config, earlier = _original(options.source, dataset)
        prepare(network, dataset, execution)
        epochs = options.linearize_epochs or options.epochs
        changes = {"epochs": epochs, "batch": options.batch, "seed": options.seed}
        given = {name: value for name, value in changes.items() if value is not None}
        both = assignments(options.set, "--set")
        given |= {name: both[name] for name in SHARED if name in both}
        run = Run.begin(
            config, network, LINEARIZE.changed({**given, **own}), dataset, folder, execution
        )
        run.earlier = earlier
        run.learn_from([str(options.source)])
    linearization = Linearization(run, options.budget)
    if linearization.state["relus"] > options.budget:
        settle(run, options.speed, options.threads)
        train(
            run,
            evaluate_every=options.evaluate_every,
            after_epoch=linearization.after_epoch,
            describe=linearization.describe,
        )
    return run


def _change_penalty(run: Run, changes: Mapping[str, Any]) -> None:
    """Changes the penalty of a phase that has begun. Raises ValueError for any other change."""
    recipe = run.recipe.changed(changes)
    if replace(recipe, penalty=run.recipe.penalty) != run.recipe:
        raise ValueError(
            "--linearize-set with --resume: a phase that has begun can change its penalty only"
        )
    run.change(recipe)


def _original(source: Path, dataset: Dataset) -> tuple[Classifier, Config, list[dict[str, Any]]]:
    """A trained network, its configuration and its history."""
    if is_model(source):
        plain, earlier = read_model(source, dataset)
        return plain, plain.config, earlier
    saved = load_checkpoint(source, dataset)
    return saved.build_network(), saved.config, saved.history
