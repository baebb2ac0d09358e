"""The manifest beside an exported model: what it is, how it was made, what was measured."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import __version__
from .checkpoint import Checkpoint
from .datasets import Dataset
from .networks.graph import Graph

PAPER = "Cho et al., Sphynx: ReLU-Efficient SphynxNetwork Design for Private Inference"

PAPER_RESULTS = {
    ("cifar100", 5, 5, (0, 1)): {"accuracy": 66.13, "relus": 25600},
}
"""(data set, C, D, reduce cells) -> the paper's own figures, accuracy in percent."""


def build_manifest(
    name: str,
    checkpoint: Checkpoint,
    network: Graph,
    dataset: Dataset,
    accuracy: float,
    hardware: str,
    model: Path,
) -> dict[str, Any]:
    """Describes the exported file `model`. accuracy: measured top-1 on the test split, 0..1."""
    config = checkpoint.config
    key = (dataset.name, config.channels, config.depth, config.reduce)
    manifest: dict[str, Any] = {
        "name": name,
        "family": "sphynx",
        "config": {
            "channels": config.channels,
            "depth": config.depth,
            "reduce": list(config.reduce),
            "genotype": config.genotype.to_json(),
        },
        "dataset": {
            "name": dataset.name,
            "imageSize": dataset.image_size,
            "classes": list(dataset.classes),
            "preprocessing": {
                "resize": [dataset.image_size, dataset.image_size],
                "scale": "pixels divided by 255, then (x - mean) / std per RGB channel",
                "mean": list(dataset.mean),
                "std": list(dataset.std),
            },
        },
        "relus": network.relus,
        "macs": network.macs,
        "parameters": network.parameters,
        "accuracy": {
            "float": round(100 * accuracy, 2),
            "unit": "percent, top-1",
            "images": len(dataset.test.labels),
            "split": "test",
        },
        "recipe": {
            **asdict(checkpoint.recipe),
            **checkpoint.recipe.description(),
            "epochsTrained": checkpoint.epoch,
        },
        "hardware": hardware,
        "trainer": __version__,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
    }
    if key in PAPER_RESULTS:
        manifest["paper"] = {"reference": PAPER, **PAPER_RESULTS[key]}
    return manifest


def write_manifest(manifest: dict[str, Any], path: Path) -> None:
    """Writes the manifest as indented JSON."""
    path.write_text(json.dumps(manifest, indent=2) + "\n")
