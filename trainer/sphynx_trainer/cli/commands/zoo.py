"""List the models of a folder with their costs and accuracies."""

import argparse
from pathlib import Path

from ...export.zoo import as_table, read_measurements, read_zoo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("folder", type=Path, nargs="?", default=Path("../model-zoo"))
    parser.add_argument(
        "--bench",
        type=Path,
        nargs="*",
        default=[],
        metavar="JSON",
        help="what npm run bench -- online --json printed, a file per model",
    )


def run(options: argparse.Namespace) -> None:
    """Prints a Markdown table."""
    print(as_table(read_zoo(options.folder, read_measurements(options.bench))))
