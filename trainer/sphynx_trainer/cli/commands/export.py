"""Write a run's network, collapsed, as ONNX with its manifest."""

import argparse
from pathlib import Path

from ...export.export_model import export_model
from ...training.checkpoint import load_checkpoint
from ..options.data import add_data_arguments, chosen_dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("folder", type=Path, help="the run")
    parser.add_argument("target", type=Path, help="folder of the model; its name is the model's")
    add_data_arguments(parser)
    parser.add_argument("--hardware", required=True, help='trained on, e.g. "2-core CPU, bf16"')


def run(options: argparse.Namespace) -> None:
    """Writes the model's folder and says what it costs."""
    dataset = chosen_dataset(options)
    manifest = export_model(
        load_checkpoint(options.folder, dataset), dataset, options.target, options.hardware
    )
    print(
        f"{options.target}: {manifest['relus']} ReLUs, {manifest['macs']} multiplications, "
        f"test accuracy {manifest['accuracy']['float']}%"
    )
