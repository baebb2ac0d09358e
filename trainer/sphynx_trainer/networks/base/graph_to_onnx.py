"""Writes a plain graph as an ONNX file."""

import os
from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper

from ... import __version__
from .graph import IMAGE_INPUT, LOGITS_OUTPUT, Graph, Node

OPSET = 17
IR_VERSION = 9
"""The format version that belongs to opset 17 to 20; older readers accept it."""


def build_onnx(graph: Graph, name: str) -> onnx.ModelProto:
    """The model: `image` [N, 3, S, S], already normalised -> `logits` [N, classes].

    Every node's output and every initializer bears the name it has in the graph.
    """
    model = helper.make_model(
        helper.make_graph(
            [_node(node) for node in graph.nodes],
            name,
            inputs=[_tensor(IMAGE_INPUT, ["N", 3, graph.image_size, graph.image_size])],
            outputs=[_tensor(LOGITS_OUTPUT, ["N", graph.classes])],
            initializer=[
                numpy_helper.from_array(value.cpu().contiguous().numpy(), key)
                for node in graph.nodes
                for key, value in node.constants.items()
            ],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="sphynx-trainer",
        producer_version=__version__,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def export_onnx(graph: Graph, name: str, path: Path) -> None:
    """Writes `build_onnx`'s model to a file, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(build_onnx(graph, name).SerializeToString(deterministic=True))
    os.replace(partial, path)


def _node(node: Node) -> onnx.NodeProto:
    proto = helper.make_node(
        node.operator, [*node.inputs, *node.constants], [node.name], name=node.name
    )
    proto.attribute.extend(
        helper.make_attribute(key, value) for key, value in node.attributes.items()
    )
    return proto


def _tensor(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
