"""Show how the ReLUs of a trained network spread over its layers."""

import argparse
from pathlib import Path

from ...networks.families import count
from ...networks.plain_graph import plain_graph
from ...reduction.spread import Layer, draw_spread
from ...training.checkpoint import load_checkpoint
from ..options.data import add_data_arguments, chosen_dataset

PICTURE = "relus.svg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("folder", type=Path, help="the run; the picture is written there")
    add_data_arguments(parser)


def run(options: argparse.Namespace) -> None:
    """Prints a line per layer, and draws them."""
    saved = load_checkpoint(options.folder, chosen_dataset(options))
    left = plain_graph(saved.build_network()).relu_layers()
    full = [layer for layer in count(saved.config).layers if layer.relus]
    layers = [
        Layer(layer.name, relus, layer.relus)
        for layer, relus in zip(full, left.values(), strict=True)
    ]
    for layer in layers:
        print(f"{layer.name:<20} {layer.left:>9} of {layer.full:>9}  {layer.share:6.1%}")
    print(f"{'all':<20} {sum(left.values()):>9} of {sum(layer.full for layer in layers):>9}")
    (options.folder / PICTURE).write_text(draw_spread(layers))
