"""Train a network that also regresses on a trained network's logits."""

import argparse
from pathlib import Path

from . import train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options: those of train, and the teacher."""
    parser.add_argument("teacher", type=Path, help="the run of the network to learn from")
    train.add_arguments(parser)


def run(options: argparse.Namespace) -> None:
    """Starts or continues the student's run. The weight of the squared error is `distillation`."""
    train.run(options, teacher=options.teacher)
