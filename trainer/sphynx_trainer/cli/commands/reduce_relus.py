"""Take ReLUs away from a trained network stage by stage (DeepReDuce)."""

import argparse
from pathlib import Path

from ...networks.activations.places import places
from ...reduction.deepreduce import choose, reduce_relus
from ...training import Run
from ...training.checkpoint import load_checkpoint
from ...training.execution import Execution
from ...training.recipes import FINE_TUNE
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
    parser.add_argument("source", type=Path, help="the trained network's run; it is the teacher")
    parser.add_argument("folder", type=Path, help="the new run")
    add_training_arguments(parser)
    parser.add_argument("--cull", type=int, nargs="*", default=[], metavar="STAGE")
    parser.add_argument("--thin", type=int, nargs="*", default=[], metavar="STAGE")
    parser.add_argument("--budget", type=int, metavar="RELUS", help="chooses the stages")


def run(options: argparse.Namespace) -> None:
    """Makes stages linear, then fine-tunes the network."""

    def work(execution: Execution) -> None:
        dataset = chosen_dataset(options)
        if options.resume:
            train_as_asked(resumed_run(options, dataset, options.folder, execution), options)
            return
        saved = load_checkpoint(options.source, dataset)
        network = saved.build_network()
        cull, thin = options.cull, options.thin
        if options.budget is not None:
            if cull or thin:
                raise ValueError("--budget chooses the stages; give it or --cull and --thin")
            cull, thin = choose(places(network, dataset.image_size), options.budget)
        relus = reduce_relus(network, dataset.image_size, cull, thin)
        if execution.leads:
            print(f"culled stages {list(cull)}, thinned {list(thin)}: {relus} ReLUs")
        recipe = chosen_recipe(options, FINE_TUNE)
        run = Run.begin(saved.config, network, recipe, dataset, options.folder, execution)
        run.earlier = saved.history
        run.learn_from([str(options.source)])
        train_as_asked(run, options)

    with_execution(options, work)
