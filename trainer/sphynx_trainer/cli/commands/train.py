"""Train a network."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ...export.collapsed import collapsed
from ...export.grown import grown
from ...export.import_model import is_model, read_model
from ...networks.base.classifier import Classifier
from ...networks.families import Config, build
from ...networks.plain.config import PlainConfig
from ...networks.plain.network import PlainNetwork
from ...networks.sphynx.cell_network import BALANCES
from ...networks.sphynx.cells import FORMS
from ...training import Run
from ...training.checkpoint import load_checkpoint
from ...training.execution import Execution
from ...training.presets import Preset, read_preset
from ...training.recipes import CONTINUE, CPU, FINE_TUNE
from ..options.data import chosen_dataset
from ..options.training import (
    add_training_arguments,
    chosen_recipe,
    resumed_run,
    train_as_asked,
    with_execution,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("folder", type=Path, help="the run's checkpoint and log")
    add_training_arguments(parser)
    network = parser.add_argument_group("network")
    network.add_argument("--preset", metavar="NAME", help="such as sphynx-c100-25k, or a YAML file")
    beginning = network.add_mutually_exclusive_group()
    beginning.add_argument(
        "--from",
        type=Path,
        metavar="MODEL",
        dest="origin",
        help="a trained one: a run's folder, a folder of the zoo or FILE.onnx",
    )
    beginning.add_argument(
        "--grow",
        type=Path,
        metavar="MODEL",
        help="the chosen one, with the weights of an exported model that has fewer cells",
    )
    network.add_argument(
        "--collapsed",
        action="store_true",
        help="train the form that is exported; on a CPU several times as fast",
    )
    network.add_argument("--form", choices=FORMS, default="paper", help="of Sphynx's cells")
    network.add_argument(
        "--balance", choices=BALANCES, default="relus", help="what reduce cells keep"
    )
    network.add_argument("--separable", action="store_true", help="convolutions of operations")
    network.add_argument("--channels", type=int, default=5, metavar="C", help="of Sphynx")
    network.add_argument("--depth", type=int, default=5, metavar="D")
    network.add_argument("--reduce", type=int, nargs="*", default=[0, 1], metavar="CELL")
    network.add_argument("--genotype", default="sphynx-cifar100", help="or a file of search-cells")
    teaching = parser.add_argument_group("teachers")
    teaching.add_argument(
        "--teacher",
        action="append",
        default=[],
        metavar="NAME",
        help="the folder of a run or of an exported model, FILE.onnx, resnet56:FILE or "
        "densenet:FILE; may be repeated",
    )
    teaching.add_argument(
        "--teacher-logits", type=Path, metavar="DIR", help="kept there, for several runs to share"
    )
    ending = parser.add_argument_group("ending a late decay's constant rate")
    ending.add_argument(
        "--until-accuracy", type=float, metavar="PERCENT", help="of the held-out images"
    )
    ending.add_argument("--decay-now", action="store_true", help="with --resume")


def run(options: argparse.Namespace) -> None:
    """Starts or continues the run in the folder."""

    def work(execution: Execution) -> None:
        if options.resume:
            dataset = chosen_dataset(options, _preset(options).dataset)
            run = resumed_run(options, dataset, options.folder, execution)
        else:
            if options.decay_now:
                raise ValueError("--decay-now is for a run that has begun: add --resume")
            run = _started(options, execution)
            run.learn_from(options.teacher)
        if options.teacher_logits is not None:
            run.logits_folder = options.teacher_logits
        if options.decay_now:
            steps = len(run.kept) // run.recipe.batch
            run.change(run.recipe.decaying_after(run.epoch + run.batch / steps))
        wanted = options.until_accuracy
        train_as_asked(run, options, None if wanted is None else wanted / 100)

    with_execution(options, work)


def _started(options: argparse.Namespace, execution: Execution) -> Run:
    preset = _preset(options)
    dataset = chosen_dataset(options, preset.dataset)
    config: Config
    network: Classifier
    earlier: list[dict[str, Any]] = []
    if options.origin is not None and options.preset is not None:
        raise ValueError("--from brings its own network: leave out --preset, or use --recipe")
    if options.origin is None:
        recipe = chosen_recipe(options, preset.recipe)
        config = preset.config(dataset.image_size, len(dataset.classes))
        torch.manual_seed(recipe.seed)
        network = build(config)
    elif is_model(options.origin):
        recipe = chosen_recipe(options, CONTINUE)
        network, earlier = read_model(options.origin, dataset)
        config = network.config
    else:
        recipe = chosen_recipe(options, FINE_TUNE)
        saved = load_checkpoint(options.origin, dataset)
        config, network, earlier = saved.config, saved.build_network(), saved.history
    if options.grow is not None:
        network, earlier = grown(network, config, dataset, options.grow)
    elif options.collapsed and not isinstance(config, PlainConfig):
        network = collapsed(network, config, dataset)
    if isinstance(network, PlainNetwork):
        config = network.config
        recipe = replace(recipe, drop_path=0.0)  # The edges of cells are gone.
    run = Run.begin(config, network, recipe, dataset, options.folder, execution)
    run.earlier = earlier
    return run


def _preset(options: argparse.Namespace) -> Preset:
    """The preset that is named, or else a Sphynx network of the given shape."""
    if options.preset is not None:
        return read_preset(options.preset)
    network = {
        "family": "sphynx",
        "form": options.form,
        "balance": options.balance,
        "separable": options.separable,
        "channels": options.channels,
        "depth": options.depth,
        "reduce": options.reduce,
        "genotype": options.genotype,
    }
    return Preset("options", "cifar100", network, CPU)
