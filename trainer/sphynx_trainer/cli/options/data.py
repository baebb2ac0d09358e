"""The options by which commands name a data set."""

import argparse
from pathlib import Path

from ...data import DATASETS, Dataset, load_dataset

DEFAULT = "cifar100"


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --dataset, --data and --download."""
    parser.add_argument("--dataset", choices=DATASETS, help=f"default: {DEFAULT}")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data set's files")
    parser.add_argument("--download", action="store_true", help="fetch the official archive first")


def chosen_dataset(options: argparse.Namespace, default: str = DEFAULT) -> Dataset:
    """The data set that --dataset (or else `default`) and --data name. Raises DatasetError."""
    return load_dataset(options.dataset or default, options.data, fetch=options.download)
