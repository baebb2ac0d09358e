"""List the networks that a ReLU budget allows, with what they cost."""

import argparse
from pathlib import Path

from ...networks.families import Config
from ...networks.plain.config import PlainConfig
from ...networks.sphynx.cell_network import SphynxConfig
from ...networks.staged.comparisons import RegNetConfig
from ...networks.staged.hybrenet import HybReNetConfig
from ...search.budget import SCALINGS, Choice, fit_budget
from ...search.latency import LatencyModel

CLASSES = {32: 100, 64: 200, 224: 1000}
"""Classes of the data set whose images have this size."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument("budget", type=int, help="ReLUs of one inference at most")
    parser.add_argument("--family", choices=SCALINGS, default="sphynx")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--classes", type=int, help="by default those of the usual data set")
    parser.add_argument(
        "--spent", type=float, default=0.9, help="smallest share of the budget (0.9)"
    )
    parser.add_argument(
        "--latency", type=Path, metavar="FILE", help="latency.json of fit-latency, for estimates"
    )


def run(options: argparse.Namespace) -> None:
    """Prints a table, the most ReLUs first."""
    latency = LatencyModel.load(options.latency) if options.latency else None
    classes = options.classes or CLASSES.get(options.image_size, 100)
    choices = fit_budget(
        options.family,
        options.budget,
        options.image_size,
        classes,
        spent=options.spent,
        latency=latency,
    )
    if not choices:
        raise ValueError(
            f"no {options.family} has {options.spent:.0%} to 100% of {options.budget} ReLUs; "
            "a smaller --spent allows others"
        )
    choices.sort(key=lambda choice: (-choice.count.relus, choice.count.macs))
    print(f"{'network':<34} {'ReLUs':>9} {'MMACs':>9} {'parameters':>11}  online ms")
    for choice in choices:
        print(_line(choice))


def _line(choice: Choice) -> str:
    count = choice.count
    estimate = "-" if choice.online_ms is None else f"{choice.online_ms:.0f}"
    return (
        f"{_describe(choice.config):<34} {count.relus:>9} {count.macs / 1e6:>9.1f} "
        f"{count.parameters:>11}  {estimate}"
    )


def _describe(config: Config) -> str:
    assert not isinstance(config, PlainConfig | RegNetConfig)  # neither scales by its channels
    text = f"C={config.channels}"
    if isinstance(config, SphynxConfig):
        text += f" D={config.depth} reduce={','.join(map(str, config.reduce))}"
    if isinstance(config, HybReNetConfig):
        text += " HRN-" + "".join(f"{factor}x" for factor in config.multipliers)
    return text
