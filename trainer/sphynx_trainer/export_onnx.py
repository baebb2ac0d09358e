"""Writes a collapsed network as an ONNX graph of Conv, Add, Relu, pooling and Gemm."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from . import __version__
from .networks.affine import IMAGE
from .networks.collapse import CollapsedNetwork, Convolution, Layer

OPSET = 17
IR_VERSION = 9
"""The format version that belongs to opset 17 to 20; older readers accept it."""

IMAGE_INPUT = "image"
LOGITS_OUTPUT = "logits"


class _Graph:
    """Collects nodes and initializers under readable names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, tensor: Tensor) -> str:
        """Adds a float32 initializer."""
        array = tensor.detach().float().contiguous().numpy()
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def node(self, name: str, operator: str, inputs: list[str], **attributes: object) -> str:
        """Adds a node whose only output bears its name."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name


def build_onnx(network: CollapsedNetwork, name: str) -> onnx.ModelProto:
    """The graph: `image` [N, 3, S, S], already normalised -> `logits` [N, classes]."""
    graph = _Graph()
    secret = {IMAGE: IMAGE_INPUT}
    output = IMAGE_INPUT
    for index, layer in enumerate(network.layers):
        output = secret[index] = _add_layer(graph, index, layer, secret)
    pooled = graph.node("head/pool", "GlobalAveragePool", [output])
    features = graph.node("head/features", "Flatten", [pooled], axis=1)
    weight = graph.constant("head/weight", network.weight)
    bias = graph.constant("head/bias", network.bias)
    graph.node(LOGITS_OUTPUT, "Gemm", [features, weight, bias], transB=1)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            name,
            inputs=[_tensor(IMAGE_INPUT, ["N", 3, network.image_size, network.image_size])],
            outputs=[_tensor(LOGITS_OUTPUT, ["N", len(network.bias)])],
            initializer=graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="sphynx-trainer",
        producer_version=__version__,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def export_onnx(network: CollapsedNetwork, name: str, path: Path) -> None:
    """Writes `build_onnx`'s graph to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(build_onnx(network, name).SerializeToString(deterministic=True))


def _add_layer(graph: _Graph, index: int, layer: Layer, secret: dict[int, str]) -> str:
    """Adds one layer; the first convolution carries the bias. Returns the ReLU's output."""
    cell = f"cell{index}"
    total = ""
    for part in layer.convolutions:
        label = _label(part)
        inputs = [secret[part.source], graph.constant(f"{cell}/weight_{label}", part.weight)]
        if not total:
            inputs.append(graph.constant(f"{cell}/bias", layer.bias))
        share = graph.node(
            f"{cell}/conv_{label}",
            "Conv",
            inputs,
            kernel_shape=list(part.weight.shape[2:]),
            pads=list(part.pads),
            strides=[part.stride] * 2,
        )
        total = graph.node(f"{cell}/add_{label}", "Add", [total, share]) if total else share
    return graph.node(f"{cell}/relu", "Relu", [total])


def _label(part: Convolution) -> str:
    return "image" if part.source == IMAGE else f"cell{part.source}"


def _tensor(name: str, shape: list[str | int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
