"""Find HybReNet multipliers by ReLU equalization."""

import argparse

from ...networks.base.counting import NetworkCount
from ...networks.families import count
from ...networks.staged.hybrenet import HybReNetConfig
from ...search.equalization import CRITICALITY, equalize


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("--channels", type=int, default=16, metavar="M", help="of the first stage")
    parser.add_argument("--blocks", type=int, nargs="+", default=[2, 2, 2, 2], help="per stage")
    parser.add_argument(
        "--order", type=int, nargs="+", default=CRITICALITY, help="stages, most critical first"
    )
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--classes", type=int, default=100)


def run(options: argparse.Namespace) -> None:
    """Prints one line per network."""
    for multipliers in equalize(options.blocks, options.order):
        config = HybReNetConfig(
            multipliers,
            options.channels,
            tuple(options.blocks),
            options.image_size,
            options.classes,
        )
        counted = count(config)
        stages = " ".join(
            f"S{stage}={_stage_relus(counted, stage)}"
            for stage in range(1, len(options.blocks) + 1)
        )
        name = "".join(f"{factor}x" for factor in multipliers)
        print(
            f"HRN-{name} m={options.channels}: {counted.relus} ReLUs ({stages}), "
            f"{counted.macs / 1e6:.1f} MMACs, {counted.parameters} parameters"
        )


def _stage_relus(counted: NetworkCount, stage: int) -> int:
    return sum(layer.relus for layer in counted.layers if layer.name.startswith(f"stage{stage}."))
