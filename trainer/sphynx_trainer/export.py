"""From a checkpoint to a folder of the model zoo: model.onnx and manifest.json."""

from pathlib import Path
from typing import Any

from .checkpoint import Checkpoint
from .datasets import Dataset
from .evaluation import evaluate
from .export_onnx import export_onnx
from .manifest import build_manifest, write_manifest
from .networks.plain import plain_graph


def export_model(
    checkpoint: Checkpoint, dataset: Dataset, target: Path, hardware: str
) -> dict[str, Any]:
    """Collapses, verifies, measures and writes a model named after the folder `target`.

    hardware: a description of what it was trained on. Returns the manifest.
    Raises CollapseError if the collapsed network is not the trained one.
    """
    network = plain_graph(checkpoint.build_network())
    accuracy = evaluate(network, dataset, dataset.test)
    model = target / "model.onnx"
    export_onnx(network, target.name, model)
    manifest = build_manifest(target.name, checkpoint, network, dataset, accuracy, hardware, model)
    write_manifest(manifest, target / "manifest.json")
    return manifest
