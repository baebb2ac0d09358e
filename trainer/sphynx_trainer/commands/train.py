"""Train a network."""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from ..networks.sphynx import SphynxConfig
from ..recipes import RECIPES
from ..training import Run, train
from .data import add_data_arguments, chosen_dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("folder", type=Path, help="the run's checkpoint and log")
    add_data_arguments(parser)
    parser.add_argument("--channels", type=int, default=5, metavar="C")
    parser.add_argument("--depth", type=int, default=5, metavar="D")
    parser.add_argument("--reduce", type=int, nargs="*", default=[0, 1], metavar="CELL")
    parser.add_argument("--recipe", choices=RECIPES, default="cpu")
    parser.add_argument("--epochs", type=int, help="in place of the recipe's")
    parser.add_argument("--seed", type=int, help="in place of the recipe's")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--evaluate-every", type=int, default=1, metavar="EPOCHS")
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder")


def run(options: argparse.Namespace) -> None:
    """Starts or continues the run in the folder."""
    if options.threads:
        torch.set_num_threads(options.threads)
    dataset = chosen_dataset(options)
    if options.resume:
        run = Run.resume(dataset, options.folder)
    else:
        config = SphynxConfig(
            channels=options.channels,
            depth=options.depth,
            reduce=tuple(options.reduce),
            image_size=dataset.image_size,
            classes=len(dataset.classes),
        )
        changes = {"epochs": options.epochs, "seed": options.seed}
        changes = {name: value for name, value in changes.items() if value is not None}
        recipe = replace(RECIPES[options.recipe], **changes)
        run = Run.start(config, recipe, dataset, options.folder)
    train(run, evaluate_every=options.evaluate_every)
