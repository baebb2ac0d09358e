"""Reads an ONNX file that `graph_to_onnx` wrote as a plain graph."""

from typing import Any

import onnx
import torch
from onnx import ModelProto, NodeProto, helper, numpy_helper
from torch import Tensor

from .graph import IMAGE_INPUT, LOGITS_OUTPUT, OPERATORS, Attributes, Graph, Node

MODEL = "model.onnx"
"""An exported model's name in its folder."""


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
