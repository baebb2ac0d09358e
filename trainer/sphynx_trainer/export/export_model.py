"""From a checkpoint to a folder of the model zoo: model.onnx and manifest.json."""

from pathlib import Path
from typing import Any

from ..data import Dataset
from ..networks.base.graph_to_onnx import export_onnx
from ..networks.plain_graph import plain_graph
from ..training.checkpoint import Checkpoint
from ..training.evaluation import evaluate
from .manifest import build_manifest, write_manifest


def export_model(
    checkpoint: Checkpoint, dataset: Dataset, target: Path, hardware: str
) -> dict[str, Any]:
    """Collapses, verifies, measures and writes a model named after the folder `target`.

    hardware: a description of what it was trained on. Returns the manifest. An earlier model's
    fixed-point plan is removed, because it belongs to that model's weights.
    Raises CollapseError if the collapsed network is not the trained one.
    """
    network = plain_graph(checkpoint.build_network())
    accuracy = evaluate(network, dataset, dataset.test)
    model = target / "model.onnx"
    for earlier in ("manifest.json", "fixed-point.json"):
        (target / earlier).unlink(missing_ok=True)
    export_onnx(network, target.name, model)
    manifest = build_manifest(target.name, checkpoint, network, dataset, accuracy, hardware, model)
    write_manifest(manifest, target / "manifest.json")
    return manifest
