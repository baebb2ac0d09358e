"""Reads an exported model as a network that trains on, with the recipes that made it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from torch import nn

from ..data import Dataset
from ..networks.base.graph import Graph, Node
from ..networks.base.graph_from_onnx import MODEL, read_graph
from ..networks.plain.batch_norms import give_batch_norms
from ..networks.plain.config import PlainConfig
from ..networks.plain.network import PlainNetwork
from .collapsed import NORMALISED_OVER

MANIFEST = "manifest.json"
"""The file beside the model in its folder."""


def is_model(path: Path) -> bool:
    """Whether a path names an ONNX file or a folder of the zoo rather than a run."""
    return path.suffix == ".onnx" or (path / MODEL).is_file()


def read_model(path: Path, dataset: Dataset) -> tuple[PlainNetwork, list[dict[str, Any]]]:
    """The network of a model's folder or ONNX file, and the recipes that made it, the first first.

    It computes what the model does, with batch norms, and is in evaluation mode. For a data set
    with other classes its last linear map gets fresh weights for them. Raises as `read_plain`.
    """
    network, manifest = read_plain(path, dataset)
    classes = manifest.get("dataset", {}).get("classes")
    same = network.config.classes == len(dataset.classes)
    if not same or (classes and list(classes) != list(dataset.classes)):
        network = _with_classes(network, len(dataset.classes))
    give_batch_norms(network, dataset.sample(NORMALISED_OVER))
    return network, history(manifest)


def read_plain(path: Path, dataset: Dataset) -> tuple[PlainNetwork, dict[str, Any]]:
    """The network of a model's folder or ONNX file, and its manifest, {} without one.

    Raises OSError, and ValueError for a file that is not in our form or not the one that its
    manifest describes, and for another size of images.
    """
    file = path if path.suffix == ".onnx" else path / MODEL
    try:
        graph = read_graph(onnx.load(file))
        PlainConfig.of(graph)
    except DecodeError as error:
        raise ValueError(f"{file} is not an ONNX file") from error
    except ValueError as error:
        raise ValueError(f"{file} cannot be trained on: {error}") from error
    if graph.image_size != dataset.image_size:
        size = f"{graph.image_size}x{graph.image_size}"
        raise ValueError(f"{file} reads images of {size} pixels, not those of {dataset.name}")
    manifest = _manifest_of(file)
    return PlainNetwork.of(graph, _origin(file, manifest)), manifest


def _manifest_of(file: Path) -> dict[str, Any]:
    """The manifest beside a model, which must be its own; {} without one."""
    path = file.with_name(MANIFEST)
    if file.name != MODEL or not path.exists():
        return {}
    manifest: dict[str, Any] = json.loads(path.read_text())
    if manifest.get("sha256") != hashlib.sha256(file.read_bytes()).hexdigest():
        raise ValueError(f"{path} describes another file than the {MODEL} beside it")
    return manifest


KEPT = ("family", "config", "paper", "grownFrom")
"""What stays true of a model when its weights are trained on."""


def _origin(file: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """What the manifest of the new model will say of the old one."""
    name = manifest.get("name", file.stem)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    kept = {key: manifest[key] for key in KEPT if key in manifest}
    if "name" in manifest.get("dataset", {}):
        kept["dataset"] = manifest["dataset"]["name"]
    return {**kept, "fineTunedFrom": {"name": name, "sha256": digest}}


def history(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The recipes of a model, the first first, each with its teachers and hardware."""
    if "recipe" not in manifest:
        return []
    about = {key: manifest[key] for key in ("teachers", "hardware") if key in manifest}
    return [*manifest.get("earlierRecipes", []), {**manifest["recipe"], **about}]


def _with_classes(network: PlainNetwork, classes: int) -> PlainNetwork:
    """The network with fresh weights for other classes in its last linear map."""
    graph = network.graph()
    last = graph.nodes[-1]
    fresh = nn.Linear(network.classify.in_features, classes)
    values = dict(zip(last.constants, (fresh.weight.detach(), fresh.bias.detach()), strict=True))
    head = Node(last.name, last.operator, last.inputs, values, last.attributes)
    nodes = (*graph.nodes[:-1], head)
    return PlainNetwork.of(Graph(nodes, graph.image_size, classes), network.config.origin)
