"""The command line: train, evaluate, export."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from .checkpoint import load_checkpoint
from .datasets import DATASETS, DatasetError, load_dataset
from .evaluation import evaluate
from .export import export_model
from .networks.collapse import CollapseError
from .networks.sphynx import NetworkConfig
from .recipes import RECIPES
from .training import Run, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand. Returns the exit status; expected errors become one line."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except (CollapseError, DatasetError, ValueError, OSError) as error:
        print(f"sphynx-trainer: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """All subcommands and their options."""
    root = argparse.ArgumentParser(prog="sphynx-trainer", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands.add_parser("train", help="train a network"))
    _add_evaluate(commands.add_parser("evaluate", help="measure a run's test accuracy"))
    _add_export(commands.add_parser("export", help="write a run's collapsed ONNX and manifest"))
    return root


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_train)
    parser.add_argument("folder", type=Path, help="the run's checkpoint and log")
    _add_data(parser)
    parser.add_argument("--channels", type=int, default=5, metavar="C")
    parser.add_argument("--depth", type=int, default=5, metavar="D")
    parser.add_argument("--reduce", type=int, nargs="*", default=[0, 1], metavar="CELL")
    parser.add_argument("--recipe", choices=RECIPES, default="cpu")
    parser.add_argument("--epochs", type=int, help="in place of the recipe's")
    parser.add_argument("--seed", type=int, help="in place of the recipe's")
    parser.add_argument("--threads", type=int, help="CPU threads")
    parser.add_argument("--evaluate-every", type=int, default=1, metavar="EPOCHS")
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_evaluate)
    parser.add_argument("folder", type=Path, help="the run")
    _add_data(parser)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_export)
    parser.add_argument("folder", type=Path, help="the run")
    parser.add_argument("target", type=Path, help="folder of the model; its name is the model's")
    _add_data(parser)
    parser.add_argument("--hardware", required=True, help='trained on, e.g. "2-core CPU, bf16"')


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", choices=DATASETS, default="cifar100")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data set's files")


def _train(options: argparse.Namespace) -> None:
    if options.threads:
        torch.set_num_threads(options.threads)
    dataset = load_dataset(options.dataset, options.data)
    if options.resume:
        run = Run.resume(dataset, options.folder)
    else:
        config = NetworkConfig(
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


def _evaluate(options: argparse.Namespace) -> None:
    dataset = load_dataset(options.dataset, options.data)
    network = load_checkpoint(options.folder, dataset).build_network()
    print(f"test accuracy {evaluate(network.eval(), dataset, dataset.test):.2%}")


def _export(options: argparse.Namespace) -> None:
    dataset = load_dataset(options.dataset, options.data)
    manifest = export_model(
        load_checkpoint(options.folder, dataset), dataset, options.target, options.hardware
    )
    print(
        f"{options.target}: {manifest['relus']} ReLUs, {manifest['macs']} multiplications, "
        f"test accuracy {manifest['accuracy']['float']}%"
    )
