"""The options that all commands share that train."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ...data import Dataset
from ...training import Run, train
from ...training.execution import Execution
from ...training.presets import parse_yaml
from ...training.recipe import Recipe
from ...training.recipes import RECIPES
from ...training.speed.settle import SPEEDS, settle
from .data import add_data_arguments


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the data set's options, the recipe's and the machine's."""
    add_data_arguments(parser)
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--recipe", choices=RECIPES, help="how to train")
    recipe.add_argument("--epochs", type=int, help="in place of the recipe's")
    recipe.add_argument("--batch", type=int, help="likewise; of all processes together")
    recipe.add_argument("--seed", type=int, help="likewise")
    recipe.add_argument(
        "--fixed-point",
        type=int,
        metavar="EPOCHS",
        dest="fixed_point_epochs",
        help="last epochs on the protocol's fixed-point grid",
    )
    recipe.add_argument(
        "--fixed-point-bits", type=int, metavar="K", help="bits of a ReLU's input there"
    )
    recipe.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other field of the recipe (training/recipe.py), such as precision=bf16",
    )
    machine = parser.add_argument_group("machine")
    machine.add_argument("--device", help="such as cpu or cuda:1; the first GPU if there is one")
    machine.add_argument(
        "--speed",
        choices=SPEEDS,
        default="measured",
        help="through torch.compile or not; measured: whatever trains fastest on this CPU",
    )
    machine.add_argument("--threads", type=int, help="CPU threads, in place of the fastest number")
    machine.add_argument("--evaluate-every", type=int, default=1, metavar="EPOCHS")
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder")


def chosen_recipe(options: argparse.Namespace, default: Recipe) -> Recipe:
    """The recipe that the options name, or else `default`, changed as they say."""
    base = RECIPES[options.recipe] if options.recipe else default
    return base.changed(_changes(options))


def resumed_run(
    options: argparse.Namespace, dataset: Dataset, folder: Path, execution: Execution
) -> Run:
    """The run in the folder. It keeps its recipe, and says so if the options name another."""
    run = Run.resume(dataset, folder, execution)
    own, changes = run.recipe, _changes(options)
    if options.recipe:
        changes["name"] = RECIPES[options.recipe].name
    asked = own.changed(changes)
    for field in changes:
        kept, other = getattr(own, field), getattr(asked, field)
        if kept != other and execution.leads:
            print(f"a run keeps its recipe: {field} stays {kept}, not {other}", file=sys.stderr)
    return run


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a recipe that the options give."""
    names = ("epochs", "batch", "seed", "fixed_point_epochs", "fixed_point_bits")
    given = {name: getattr(options, name) for name in names}
    changes = {name: value for name, value in given.items() if value is not None}
    return {**changes, **assignments(options.set, "--set")}


def assignments(texts: list[str], option: str) -> dict[str, Any]:
    """The fields of a recipe that an option gives as NAME=VALUE. Raises ValueError."""
    changes: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{option} {text}: expected NAME=VALUE")
        changes[name] = parse_yaml(value, f"{option} {name}")
    return changes


def with_execution(options: argparse.Namespace, work: Callable[[Execution], None]) -> None:
    """Does the work in this process's place among those that torchrun started, if it did."""
    if options.threads:
        torch.set_num_threads(options.threads)
    execution = Execution.detect(options.device)
    try:
        if options.download and execution.processes > 1:
            raise ValueError("several processes would overwrite each other's --download")
        work(execution)
    finally:
        execution.close()


def train_as_asked(
    run: Run, options: argparse.Namespace, until_accuracy: float | None = None
) -> None:
    """Trains the run to its end, in its fastest manner. until_accuracy: as of training.train."""
    settle(run, options.speed, options.threads)
    train(run, evaluate_every=options.evaluate_every, until_accuracy=until_accuracy)
