"""Fit the coefficients of online latency to measurements."""

import argparse
from pathlib import Path

from ...search.latency import fit_latency, read_measurements


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    parser.add_argument(
        "measurements",
        type=Path,
        help="lines that `npm run bench -- online --model MODEL --json` printed",
    )
    parser.add_argument("target", type=Path, help="latency.json, for fit-budget")


def run(options: argparse.Namespace) -> None:
    """Writes latency.json and says how far it is from each measurement."""
    measurements = read_measurements(options.measurements)
    model = fit_latency(measurements)
    model.save(options.target)
    print(
        f"{model.ms_per_thousand_relus:.4g} ms per 1000 ReLUs, {model.ms_per_gmac:.4g} ms per GMAC"
    )
    for measured in measurements:
        estimate = model(measured["relus"], measured["macs"])
        print(
            f"  {measured['model']}: {measured['onlineMs']['median']:.1f} ms, model {estimate:.1f}"
        )
