"""A network as private inference computes it: a plain graph of ONNX operators, runnable here.

Batch norms are folded and cells are collapsed. `build_onnx` writes the graph as it stands.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

IMAGE_INPUT = "image"
LOGITS_OUTPUT = "logits"

Attributes = dict[str, int | list[int]]
Pads = tuple[int, int, int, int]
"""Zeros around a map as ONNX orders them: top, left, bottom, right."""


@dataclass(frozen=True)
class Node:
    """One operator of ONNX; its only output bears its name.

    inputs: names of nodes; constants: name -> float32 tensor, appended to the inputs.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    constants: dict[str, Tensor] = field(default_factory=dict)
    attributes: Attributes = field(default_factory=dict)


SQUARE = "_square"
"""End of the name of a node that squares a layer's input; the layer's name stands before it."""


@dataclass(frozen=True)
class Graph:
    """`image` [N, 3, S, S], already normalised -> `logits` [N, classes]."""

    nodes: tuple[Node, ...]
    image_size: int
    classes: int

    def __call__(self, images: Tensor) -> Tensor:
        """The logits, computed operator by operator."""
        return self.values(images)[LOGITS_OUTPUT]

    def values(self, images: Tensor) -> dict[str, Tensor]:
        """What every node computes. Raises KeyError for an operator that no graph may use."""
        values = {IMAGE_INPUT: images}
        for node in self.nodes:
            inputs = [values[name] for name in node.inputs]
            inputs += [constant.to(images.device) for constant in node.constants.values()]
            values[node.name] = compute(node.operator, inputs, node.attributes)
        return values

    @property
    def relus(self) -> int:
        """ReLUs of one inference."""
        return sum(self.relu_layers().values())

    def relu_layers(self) -> dict[str, int]:
        """ReLUs of every layer, by the node's name.

        Elements that a mask lets pass are none, nor are squares; a layer may have none at all.
        """
        sizes = self._sizes()
        relus: dict[str, int] = {}
        for node in self.nodes:
            if node.operator == "Relu":
                relus[node.name] = sizes[node.name]
            elif _is_square(node):
                relus.setdefault(node.name.removesuffix(SQUARE), 0)
        for node in self.nodes:
            if node.operator == "Mul" and node.inputs[0] in relus:
                (mask,) = node.constants.values()
                size = sizes[node.inputs[0]]
                relus[node.inputs[0]] = int(mask.sum()) * (size // mask.numel())
        return relus

    @property
    def squares(self) -> int:
        """Elements of one inference that are squared in place of a ReLU."""
        sizes, relus = self._sizes(), self.relu_layers()
        squared = [node.name for node in self.nodes if _is_square(node)]
        return sum(sizes[name] - relus[name.removesuffix(SQUARE)] for name in squared)

    @property
    def macs(self) -> int:
        """Multiplications of one inference by weights, structural zeros of a kernel included."""
        sizes = self._sizes()
        return sum(
            sizes[node.name] * weight[0].numel()
            for node in self.nodes
            if node.operator in ("Conv", "Gemm")
            for weight in [next(iter(node.constants.values()))]
        )

    @property
    def parameters(self) -> int:
        """Numbers in all weights and biases."""
        linear = [node for node in self.nodes if node.operator in ("Conv", "Gemm")]
        return sum(value.numel() for node in linear for value in node.constants.values())

    def _sizes(self) -> dict[str, int]:
        image = torch.empty(1, 3, self.image_size, self.image_size, device="meta")
        return {name: value.numel() for name, value in self.values(image).items()}


def _is_square(node: Node) -> bool:
    """Whether a node multiplies a value by itself."""
    return node.operator == "Mul" and node.inputs[1:] == node.inputs[:1]


class GraphBuilder:
    """Collects nodes under readable names. Every method returns its node's name."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def node(
        self,
        name: str,
        operator: str,
        inputs: tuple[str, ...],
        constants: dict[str, Tensor] | None = None,
        **attributes: int | list[int],
    ) -> str:
        """Adds any operator, with copies of its constants."""
        float32 = {
            key: value.detach().to(torch.float32, copy=True)
            for key, value in (constants or {}).items()
        }
        self.nodes.append(Node(name, operator, inputs, float32, attributes))
        return name

    def conv(
        self,
        name: str,
        source: str,
        constants: dict[str, Tensor],
        stride: int,
        pads: Pads,
        groups: int = 1,
    ) -> str:
        """Adds a convolution.

        constants: the weight [out, in / groups, size, size] and, for one of a sum, the bias.
        """
        size = list(next(iter(constants.values())).shape[2:])
        grouped = {"group": groups} if groups > 1 else {}
        return self.node(
            name,
            "Conv",
            (source,),
            constants,
            kernel_shape=size,
            pads=list(pads),
            strides=[stride] * 2,
            **grouped,
        )

    def activation(self, name: str, source: str, module: nn.Module) -> str:
        """A ReLU, or what else stands in its place and has `append_to(builder, name, source)`."""
        if isinstance(module, nn.ReLU):
            return self.node(name, "Relu", (source,))
        append: Callable[[GraphBuilder, str, str], str] | None = getattr(module, "append_to", None)
        if append is None:
            raise ValueError(f"{name}: {type(module).__name__} cannot be exported as an activation")
        return append(self, name, source)

    def average_pool(self, name: str, source: str) -> str:
        """The mean of every 2x2 square."""
        return self.node(name, "AveragePool", (source,), kernel_shape=[2, 2], strides=[2, 2])

    def linear(self, name: str, source: str, layer: nn.Linear, prefix: str) -> str:
        """A fully connected layer of a vector."""
        constants = {f"{prefix}/weight": layer.weight, f"{prefix}/bias": layer.bias}
        return self.node(name, "Gemm", (source,), constants, transB=1)

    def classify(self, source: str, layer: nn.Linear) -> str:
        """The head: the mean of every channel, then the logits."""
        pooled = self.node("head/pool", "GlobalAveragePool", (source,))
        features = self.node("head/features", "Flatten", (pooled,), axis=1)
        return self.linear(LOGITS_OUTPUT, features, layer, "head")

    def graph(self, image_size: int, classes: int) -> Graph:
        """What was collected."""
        return Graph(tuple(self.nodes), image_size, classes)


def compute(operator: str, inputs: list[Tensor], attributes: Attributes) -> Tensor:
    """What an operator makes of its inputs, constants last. Raises KeyError for an unknown one."""
    return OPERATORS[operator](inputs, attributes)


def _conv(inputs: list[Tensor], attributes: Attributes) -> Tensor:
    pads, strides, groups = attributes["pads"], attributes["strides"], attributes.get("group", 1)
    assert isinstance(pads, list)
    assert isinstance(strides, list)
    assert isinstance(groups, int)
    top, left, bottom, right = pads
    image, weight, *biases = inputs
    bias = biases[0] if biases else None
    image = F.pad(image, (left, right, top, bottom))
    return F.conv2d(image, weight, bias, stride=tuple(strides), groups=groups)


OPERATORS: dict[str, Callable[[list[Tensor], Attributes], Tensor]] = {
    "Conv": _conv,
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "Mul": lambda inputs, _: inputs[0] * inputs[1],
    "Relu": lambda inputs, _: F.relu(inputs[0]),
    "AveragePool": lambda inputs, _: F.avg_pool2d(inputs[0], 2),
    "GlobalAveragePool": lambda inputs, _: inputs[0].mean(dim=(2, 3), keepdim=True),
    "Flatten": lambda inputs, _: torch.flatten(inputs[0], 1),
    "Gemm": lambda inputs, _: F.linear(inputs[0], inputs[1], inputs[2]),
}
