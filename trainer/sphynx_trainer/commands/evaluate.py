"""Measure a run's test accuracy."""

import argparse
from pathlib import Path

from ..checkpoint import load_checkpoint
from ..evaluation import evaluate
from .data import add_data_arguments, chosen_dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("folder", type=Path, help="the run")
    add_data_arguments(parser)


def run(options: argparse.Namespace) -> None:
    """Prints top-1 accuracy."""
    dataset = chosen_dataset(options)
    network = load_checkpoint(options.folder, dataset).build_network()
    print(f"test accuracy {evaluate(network.eval(), dataset, dataset.test):.2%}")
