"""The manifest beside an exported model: what it is, how it was made, what was measured."""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import __version__
from ..data import Dataset
from ..networks.base.graph import Graph
from ..networks.families import Config, config_to_json, count, family_of
from ..networks.plain.config import PlainConfig
from ..training.checkpoint import Checkpoint
from ..training.presets import published_for


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
    manifest: dict[str, Any] = {
        "name": name,
        **kind_of(config),
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
            "split": dataset.test_split,
        },
        "recipe": {
            **_recipe_fields(checkpoint),
            **checkpoint.recipe.description(),
            **checkpoint.effort,
        },
        **_origin(checkpoint, network),
        "hardware": hardware,
        "trainer": __version__,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
    }
    if network.relus == count(config).relus:
        manifest.update(paper_of(config, dataset))
    return manifest


def paper_of(config: Config, dataset: Dataset) -> dict[str, Any]:
    """What a paper says of the network on these images, under the key "paper"; {} if none does."""
    if isinstance(config, PlainConfig):
        same = config.origin.get("dataset") == dataset.name
        return {"paper": config.origin["paper"]} if same and "paper" in config.origin else {}
    published = published_for(dataset, config)
    if published is None:
        return {}
    return {
        "paper": {
            "reference": published.reference,
            "accuracy": published.accuracy,
            "relus": published.relus,
            "onlineMs": published.online_ms,
        }
    }


def kind_of(config: Config) -> dict[str, Any]:
    """The network's family and its configuration there; a plain network keeps those it had."""
    if isinstance(config, PlainConfig):
        kept = ("family", "config", "fineTunedFrom", "grownFrom")
        known = {key: config.origin[key] for key in kept if key in config.origin}
        return {"family": family_of(config), "config": {}, **known}
    fields = config_to_json(config).items()
    own = {k: v for k, v in fields if k not in ("family", "image_size", "classes")}
    return {"family": family_of(config), "config": own}


def _recipe_fields(checkpoint: Checkpoint) -> dict[str, Any]:
    """The recipe's fields; without a teacher, those about distillation would mislead."""
    fields = asdict(checkpoint.recipe)
    if not checkpoint.teachers:
        for name in ("distillation", "temperature", "label_weight", "views"):
            del fields[name]
    return fields


def _origin(checkpoint: Checkpoint, network: Graph) -> dict[str, Any]:
    """How the weights were trained before, what became of the ReLUs, and who taught it."""
    origin: dict[str, Any] = {}
    if checkpoint.earlier:
        origin["earlierRecipes"] = checkpoint.earlier
    full = count(checkpoint.config).relus
    if network.relus != full:
        origin["relusBeforeReduction"] = full
    if network.squares:
        origin["squares"] = network.squares
    if checkpoint.teachers:
        origin["teachers"] = [Path(name).name for name in checkpoint.teachers]
    return origin


def write_manifest(manifest: dict[str, Any], path: Path) -> None:
    """Writes the manifest as indented JSON, in one step: a folder with a manifest is complete."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(manifest, indent=2) + "\n")
    os.replace(partial, path)
