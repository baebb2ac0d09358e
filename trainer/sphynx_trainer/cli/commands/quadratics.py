"""Replace ReLUs of a trained network by quadratics, to an exact budget of ReLUs."""

import argparse

from ...data import Dataset
from ...networks.base.classifier import Classifier
from ...reduction.quadratics import make_quadratic
from ...training.execution import Execution
from .snl import add_reduction_arguments, reduce_as_asked


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options. The recipe's are those of the fine-tuning."""
    add_reduction_arguments(parser)
    parser.add_argument(
        "--choice",
        choices=("element", "channel", "layer"),
        default="element",
        help="what keeps or loses its ReLUs as one; channels and layers are kept while they fit",
    )


def run(options: argparse.Namespace) -> None:
    """Chooses the ReLUs that stay, then fine-tunes the network with quadratics for the others."""

    def prepare(network: Classifier, dataset: Dataset, execution: Execution) -> None:
        make_quadratic(network, dataset, options.choice)

    reduce_as_asked(options, prepare)
