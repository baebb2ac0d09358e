"""Reads a model that `export_onnx` wrote, as a graph and as a network that trains on."""

import hashlib
import json
from pathlib import Path
from typing import Any

import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, NodeProto, helper, numpy_helper
from torch import Tensor, nn

from ..data import Dataset
from ..networks.base.graph import IMAGE_INPUT, LOGITS_OUTPUT, OPERATORS, Attributes, Graph, Node
from ..networks.plain.config import PlainConfig
from ..networks.plain.network import PlainNetwork

MODEL = "model.onnx"
MANIFEST = "manifest.json"
"""The files of a model's folder."""


def is_model(path: Path) -> bool:
    """Whether a path names an ONNX file or a folder of the zoo rather than a run."""
    return path.suffix == ".onnx" or (path / MODEL).is_file()


def read_graph(model: ModelProto) -> Graph:
    """The graph of a model in the form that `build_onnx` writes. Raises ValueError for others."""
    graph = model.graph
    constants = {each.name: torch.tensor(numpy_helper.to_array(each)) for each in graph.initializer}
    images = [value for value in graph.input if value.name not in constants]
    if len(images) != 1 or len(graph.output) != 1:
        raise ValueError("expected a network with one input and one output")
    (image,), (logits,) = images, graph.output
    size, classes = (_dimensions(value)[-1] for value in (image, logits))
    if _dimensions(image)[1:] != [3, size, size] or min(size, classes) < 1:
        raise ValueError("expected square images of 3 channels and a known number of classes")
    names = {image.name: IMAGE_INPUT, logits.name: LOGITS_OUTPUT}
    nodes = [_node(node, constants, names) for node in graph.node]
    return Graph(tuple(nodes), size, classes)


def read_model(path: Path, dataset: Dataset) -> tuple[PlainNetwork, list[dict[str, Any]]]:
    """The network of a model's folder or ONNX file, and the recipes that made it, the first first.

    For a data set with other classes its last linear map gets fresh weights for them. Raises
    OSError, and ValueError for a file that is not in our form or not the one that its manifest
    describes, and for another size of images.
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
    network = PlainNetwork.of(graph, _origin(file, manifest))
    classes = manifest.get("dataset", {}).get("classes")
    same = graph.classes == len(dataset.classes)
    if not same or (classes and list(classes) != list(dataset.classes)):
        network = _with_classes(network, len(dataset.classes))
    return network, _history(manifest)


def _dimensions(value: onnx.ValueInfoProto) -> list[int]:
    """The sizes of a tensor; 0 for one that is not fixed."""
    return [each.dim_value for each in value.type.tensor_type.shape.dim]


def _node(node: NodeProto, constants: dict[str, Tensor], names: dict[str, str]) -> Node:
    """A node with its constants, under the names of a graph."""
    if node.op_type not in OPERATORS:
        known = ", ".join(OPERATORS)
        raise ValueError(f"the operator {node.op_type} is none of {known}")
    own = {name: constants[name] for name in node.input if name in constants}
    inputs = [name for name in node.input if name not in constants]
    if [*inputs, *own] != list(node.input) or len(node.output) != 1:
        raise ValueError(f"the inputs of {node.name or node.op_type} are not in our order")
    (output,) = node.output
    attributes = {each.name: _plain(helper.get_attribute_value(each)) for each in node.attribute}
    found = Node(
        names.get(output, output),
        node.op_type,
        tuple(names.get(name, name) for name in inputs),
        own,
        attributes,
    )
    if (problem := _problem(found)) is not None:
        raise ValueError(f"{found.name}: {problem}")
    return found


def _plain(value: Any) -> Any:
    """An attribute as a graph keeps it."""
    return list(value) if isinstance(value, (list, tuple)) or hasattr(value, "extend") else value


def _problem(node: Node) -> str | None:
    """What a node has that the networks of this package never have, or None."""
    attributes: Attributes = node.attributes
    wanted: dict[str, dict[str, object]] = {
        "Conv": {"group": 1, "dilations": [1, 1], "auto_pad": b"NOTSET"},
        "AveragePool": {"pads": [0] * 4, "kernel_shape": [2, 2], "strides": [2, 2]},
        "Gemm": {"transB": 1, "transA": 0, "alpha": 1.0, "beta": 1.0},
        "Flatten": {"axis": 1},
    }
    for name, value in wanted.get(node.operator, {}).items():
        if attributes.get(name, value) != value:
            return f"{name} is {attributes[name]}, expected {value}"
    needed = {"Conv": ("kernel_shape", "pads", "strides"), "Gemm": ("transB",)}
    for name in needed.get(node.operator, ()):
        if name not in attributes:
            return f"{name} is missing"
    counts = {"Conv": (1, 2), "Gemm": (2,), "Mul": (1,)}
    if len(node.constants) not in counts.get(node.operator, (0,)):
        return f"{len(node.constants)} of its inputs are constant"
    if any(value.dtype != torch.float32 for value in node.constants.values()):
        return "its weights are not float32"
    return None


def _manifest_of(file: Path) -> dict[str, Any]:
    """The manifest beside a model, which must be its own; {} without one."""
    path = file.with_name(MANIFEST)
    if file.name != MODEL or not path.exists():
        return {}
    manifest: dict[str, Any] = json.loads(path.read_text())
    if manifest.get("sha256") != hashlib.sha256(file.read_bytes()).hexdigest():
        raise ValueError(f"{path} describes another file than the {MODEL} beside it")
    return manifest


KEPT = ("family", "config", "paper")
"""What stays true of a model when its weights are trained on."""


def _origin(file: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """What the manifest of the new model will say of the old one."""
    name = manifest.get("name", file.stem)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    kept = {key: manifest[key] for key in KEPT if key in manifest}
    if "name" in manifest.get("dataset", {}):
        kept["dataset"] = manifest["dataset"]["name"]
    return {**kept, "fineTunedFrom": {"name": name, "sha256": digest}}


def _history(manifest: dict[str, Any]) -> list[dict[str, Any]]:
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
