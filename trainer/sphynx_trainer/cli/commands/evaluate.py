"""Measure a run's test accuracy."""

import argparse
from contextlib import nullcontext
from pathlib import Path

from ...training.checkpoint import load_checkpoint
from ...training.evaluation import evaluate
from ...training.execution import Execution
from ...training.fixed_point import calibrate, simulated
from ..options.data import add_data_arguments, chosen_dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("folder", type=Path, help="the run")
    add_data_arguments(parser)
    parser.add_argument("--device", help="such as cpu or cuda:1; the first GPU if there is one")
    parser.add_argument(
        "--fixed-point", type=int, metavar="K", help="simulate ReLU inputs of K bits"
    )


def run(options: argparse.Namespace) -> None:
    """Prints top-1 accuracy."""
    dataset = chosen_dataset(options)
    execution = Execution.detect(options.device)
    network = load_checkpoint(options.folder, dataset).build_network()
    execution.place(network)
    bits = options.fixed_point
    grid = simulated(network, calibrate(network, dataset, bits)) if bits else nullcontext()
    with grid:
        accuracy = evaluate(network.eval(), dataset, dataset.test, execution=execution)
    execution.close()
    if execution.leads:
        print(f"test accuracy {accuracy:.2%}")
