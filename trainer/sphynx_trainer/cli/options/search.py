"""The options that both searches share."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ...search.recipe import SearchRecipe
from ...training.execution import Execution
from .data import add_data_arguments


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the folder, the data set, changes to the recipe and where to compute."""
    parser.add_argument("folder", type=Path, help="the search's state, log and result")
    add_data_arguments(parser)
    parser.add_argument("--epochs", type=int, help="in place of the paper's")
    parser.add_argument("--batch", type=int, help="images per step, in place of 64")
    parser.add_argument("--learning-rate", type=float, help="of the weights, in place of 0.025")
    parser.add_argument(
        "--architecture-learning-rate", type=float, metavar="RATE", help="in place of 0.0003"
    )
    parser.add_argument("--images", type=int, metavar="N", help="of the training images, not all")
    parser.add_argument("--precision", choices=("fp32", "bf16"), help="in place of fp32")
    parser.add_argument("--seed", type=int, help="in place of 1")
    parser.add_argument("--device", help="as torch names it; a GPU if there is one")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--resume", action="store_true", help="continue the search in the folder")


def chosen_recipe(options: argparse.Namespace, base: SearchRecipe) -> SearchRecipe:
    """The paper's recipe with the changes that the options ask for."""
    names = (
        "epochs",
        "batch",
        "learning_rate",
        "architecture_learning_rate",
        "images",
        "precision",
        "seed",
    )
    return base.changed({name: getattr(options, name, None) for name in (*names, "order")})


@contextmanager
def chosen_execution(options: argparse.Namespace) -> Iterator[Execution]:
    """This process's place, alone or among those that torchrun started."""
    if options.threads:
        torch.set_num_threads(options.threads)
    execution = Execution.detect(options.device)
    try:
        yield execution
    finally:
        execution.close()
