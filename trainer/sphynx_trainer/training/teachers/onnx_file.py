"""A network from an ONNX file, run by PyTorch: for teachers whose code is not at hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, NodeProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

Attributes = dict[str, Any]


class OnnxNetwork(nn.Module):
    """The graph of a model with one input and one output; its initializers are buffers.

    Raises ValueError for an operator that is not in OPERATORS.
    """

    def __init__(self, model: ModelProto) -> None:
        super().__init__()
        graph = model.graph
        self.buffer_of: dict[str, str] = {}
        for initializer in graph.initializer:
            self._hold(initializer.name, numpy_helper.to_array(initializer))
        self.nodes: list[NodeProto] = []
        for node in graph.node:
            if node.op_type == "Constant":
                self._hold(node.output[0], numpy_helper.to_array(_attributes(node)["value"]))
            elif node.op_type in OPERATORS:
                self.nodes.append(node)
            else:
                known = ", ".join(OPERATORS)
                raise ValueError(f"the operator {node.op_type} is none of {known}")
        inputs = [value.name for value in graph.input if value.name not in self.buffer_of]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise ValueError("expected a network with one input and one output")
        self.source, self.result = inputs[0], graph.output[0].name

    def _hold(self, name: str, value: Any) -> None:
        self.buffer_of[name] = f"constant{len(self.buffer_of)}"
        self.register_buffer(self.buffer_of[name], torch.tensor(value))

    def forward(self, images: Tensor) -> Tensor:
        """Runs the graph's nodes, each once its inputs are known."""
        values = {name: getattr(self, buffer) for name, buffer in self.buffer_of.items()}
        values[self.source] = images
        for node in self.nodes:
            inputs = [values[name] if name else None for name in node.input]
            values[node.output[0]] = OPERATORS[node.op_type](inputs, _attributes(node))
        result: Tensor = values[self.result]
        return result


def read_onnx(path: Path) -> OnnxNetwork:
    """The network in a file. Raises OSError, ValueError."""
    try:
        return OnnxNetwork(onnx.load(path))
    except DecodeError as error:
        raise ValueError(f"{path} is not an ONNX file") from error
    except ValueError as error:
        raise ValueError(f"{path} cannot teach: {error}") from error


def _attributes(node: NodeProto) -> Attributes:
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def _padded(image: Tensor, attributes: Attributes, value: float = 0.0) -> Tensor:
    """The map with the pads of a convolution or a pool around it."""
    if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise ValueError("automatic padding is not supported; export with explicit pads")
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    return F.pad(image, (left, right, top, bottom), value=value)


def _conv(inputs: list[Any], attributes: Attributes) -> Tensor:
    image, weight, *bias = inputs
    return F.conv2d(
        _padded(image, attributes),
        weight,
        bias[0] if bias else None,
        stride=tuple(attributes.get("strides", (1, 1))),
        dilation=tuple(attributes.get("dilations", (1, 1))),
        groups=attributes.get("group", 1),
    )


def _max_pool(inputs: list[Any], attributes: Attributes) -> Tensor:
    image = _padded(inputs[0], attributes, float("-inf"))
    return F.max_pool2d(
        image, tuple(attributes["kernel_shape"]), tuple(attributes.get("strides", (1, 1)))
    )


def _average_pool(inputs: list[Any], attributes: Attributes) -> Tensor:
    if any(attributes.get("pads", ())) and not attributes.get("count_include_pad", 0):
        raise ValueError("a padded average that leaves out the padding is not supported")
    image = _padded(inputs[0], attributes)
    return F.avg_pool2d(
        image, tuple(attributes["kernel_shape"]), tuple(attributes.get("strides", (1, 1)))
    )


def _batch_norm(inputs: list[Any], attributes: Attributes) -> Tensor:
    image, scale, shift, mean, variance = inputs
    return F.batch_norm(image, mean, variance, scale, shift, eps=attributes.get("epsilon", 1e-5))


def _gemm(inputs: list[Any], attributes: Attributes) -> Tensor:
    left, right, *bias = inputs
    left = left.T if attributes.get("transA", 0) else left
    right = right.T if attributes.get("transB", 0) else right
    product: Tensor = attributes.get("alpha", 1.0) * (left @ right)
    return product + attributes.get("beta", 1.0) * bias[0] if bias else product


def _reshape(inputs: list[Any], attributes: Attributes) -> Tensor:
    image, shape = inputs
    sizes = [image.shape[i] if size == 0 else size for i, size in enumerate(shape.tolist())]
    if sizes[0] == 1:  # exported for one image
        sizes[0] = len(image)
    reshaped: Tensor = image.reshape(sizes)
    return reshaped


OPERATORS: dict[str, Callable[[list[Any], Attributes], Tensor]] = {
    "Conv": _conv,
    "BatchNormalization": _batch_norm,
    "Relu": lambda inputs, _: F.relu(inputs[0]),
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "Mul": lambda inputs, _: inputs[0] * inputs[1],
    "Concat": lambda inputs, attributes: torch.cat(inputs, dim=attributes["axis"]),
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": lambda inputs, _: inputs[0].mean(dim=(2, 3), keepdim=True),
    "Flatten": lambda inputs, _: torch.flatten(inputs[0], 1),
    "Reshape": _reshape,
    "Gemm": _gemm,
    "Identity": lambda inputs, _: inputs[0],
}
"""ONNX's name -> (inputs, attributes) -> output."""
