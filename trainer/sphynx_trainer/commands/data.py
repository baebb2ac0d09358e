"""The options by which commands name a data set."""

import argparse
from pathlib import Path

from ..datasets import DATASETS, Dataset, load_dataset


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --dataset and --data."""
    parser.add_argument("--dataset", choices=DATASETS, default="cifar100")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data set's files")


def chosen_dataset(options: argparse.Namespace) -> Dataset:
    """The data set that --dataset and --data name. Raises DatasetError."""
    return load_dataset(options.dataset, options.data)
