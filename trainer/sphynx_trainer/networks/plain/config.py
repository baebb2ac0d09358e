"""The structure of a plain graph as a network's configuration, and its costs."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from ..base.counting import LayerCount, NetworkCount
from ..base.graph import IMAGE_INPUT, LOGITS_OUTPUT, Attributes, Graph, Node

KEPT, PASSED, MASKED = "_kept", "_passed", "_masked"
"""Ends of the names of the three nodes that a mask adds to its ReLU."""
LAYERS = "layers"
"""Name of the modules of nodes; the activations of a network are called after it."""


@dataclass(frozen=True)
class NodeShape:
    """A node of a graph without its weights. constants: name -> shape."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    constants: dict[str, list[int]] = field(default_factory=dict)
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True)
class PlainConfig:
    """The structure of a plain graph. Raises ValueError for one that is no classifier of ours.

    origin: the manifest of the model that it was, so far as it says more than the graph.
    batch_norm: behind every sum of convolutions; the exported ones have its scale in their weights,
    the first one its shift in the bias.
    """

    nodes: tuple[NodeShape, ...]
    image_size: int
    classes: int
    origin: dict[str, Any] = field(default_factory=dict)
    batch_norm: bool = False

    def __post_init__(self) -> None:
        before = {IMAGE_INPUT}
        for node in self.nodes:
            if node.operator == "Mul":
                raise ValueError(f"{node.name} is a product that is no mask of a ReLU")
            if not set(node.inputs) <= before:
                raise ValueError(f"{node.name} reads what no node before it computes")
            before.add(node.name)
        relus = [index for index, node in enumerate(self.nodes) if node.operator == "Relu"]
        if not relus:
            raise ValueError("the graph has no Relu")
        known = {self.nodes[relus[-1]].name}
        for node in self.head:
            if not set(node.inputs) <= known:
                raise ValueError(f"{node.name} reads more than the last Relu's output")
            known.add(node.name)
        last = self.nodes[-1]
        if (last.operator, last.name) != ("Gemm", LOGITS_OUTPUT):
            raise ValueError(f"the last node is the {last.operator} {last.name}, not a linear map")
        if len({module_key(node.name) for node in self.nodes}) < len(self.nodes):
            raise ValueError("two nodes have the same name")

    @classmethod
    def of(cls, graph: Graph, origin: dict[str, Any] | None = None) -> Self:
        """The structure of a graph. A mask belongs to its ReLU and is no node."""
        nodes: list[NodeShape] = []
        masks = masks_of(graph)
        replaced = {f"{relu}{MASKED}": relu for relu in masks}
        parts = {f"{relu}{end}" for relu in masks for end in (KEPT, PASSED, MASKED)}
        for node in graph.nodes:
            inputs = tuple(replaced.get(name, name) for name in node.inputs)
            if node.name not in parts:
                constants = {name: list(value.shape) for name, value in node.constants.items()}
                shape = NodeShape(node.name, node.operator, inputs, constants, node.attributes)
                nodes.append(shape)
        return cls(tuple(nodes), graph.image_size, graph.classes, origin or {})

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Reads what dataclasses.asdict wrote. Raises ValueError."""
        try:
            nodes = tuple(
                NodeShape(**{**node, "inputs": tuple(node["inputs"])}) for node in content["nodes"]
            )
            return cls(**{**content, "nodes": nodes})
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no plain network: {error}") from error

    def with_batch_norm(self) -> Self:
        """The same with batch norms, and so with a bias for the first convolution of every sum."""
        sums = self.sums().values()
        first = {convolutions[0].name for convolutions in sums}
        nodes = []
        for node in self.nodes:
            if node.operator == "Conv":
                (weight, shape), *biases = node.constants.items()
                bias = biases[0][0] if biases else f"{node.name}_bias"
                added = {bias: shape[:1]} if node.name in first else {}
                nodes.append(replace(node, constants={weight: shape, **added}))
            else:
                nodes.append(node)
        return replace(self, nodes=tuple(nodes), batch_norm=True)

    def sums(self) -> dict[str, tuple[NodeShape, ...]]:
        """The convolutions that each node adds whose terms nobody else reads, by its name.

        A convolution that is part of no sum is one by itself.
        """
        readers = Counter(name for node in self.nodes for name in node.inputs)
        alone = {node.name: node for node in self.nodes if node.operator == "Conv"}
        found = {}
        for node in self.nodes:
            if node.operator == "Add" and all(
                name in alone and readers[name] == 1 for name in node.inputs
            ):
                found[node.name] = tuple(alone.pop(name) for name in node.inputs)
        return found | {name: (node,) for name, node in alone.items()}

    @property
    def head(self) -> tuple[NodeShape, ...]:
        """The nodes after the last ReLU."""
        last = max(index for index, node in enumerate(self.nodes) if node.operator == "Relu")
        return self.nodes[last + 1 :]

    def sizes(self) -> dict[str, tuple[int, ...]]:
        """The shape [C, H, W] or [C] of every node's output, and of the image."""
        graph = Graph(
            tuple(
                Node(
                    node.name,
                    node.operator,
                    node.inputs,
                    {
                        name: torch.empty(shape, device="meta")
                        for name, shape in node.constants.items()
                    },
                    node.attributes,
                )
                for node in self.nodes
            ),
            self.image_size,
            self.classes,
        )
        image = torch.empty(1, 3, self.image_size, self.image_size, device="meta")
        return {name: tuple(value.shape[1:]) for name, value in graph.values(image).items()}


def masks_of(graph: Graph) -> dict[str, Tensor]:
    """ReLU -> the mask that a graph has for it, as `MaskedReLU.append_to` writes it.

    Raises ValueError for a mask that is not of zeros and ones or does not fit its complement.
    """
    nodes, masks = {node.name: node for node in graph.nodes}, {}
    for relu in [node.name for node in graph.nodes if node.operator == "Relu"]:
        kept, passed, both = (nodes.get(f"{relu}{end}") for end in (KEPT, PASSED, MASKED))
        if not (kept and passed and both):
            continue
        (mask,), (complement,) = kept.constants.values(), passed.constants.values()
        whole = (mask == 0) | (mask == 1)
        reads = (kept.inputs, passed.inputs, both.inputs)
        wanted = ((relu,), nodes[relu].inputs, (kept.name, passed.name))
        if reads != wanted or not whole.all() or not torch.equal(complement, 1 - mask):
            raise ValueError(f"the mask of {relu} is not of zeros and ones with its complement")
        masks[relu] = mask
    return masks


def count_plain(config: PlainConfig) -> NetworkCount:
    """The costs per ReLU layer, without masks."""
    layers, macs, parameters = [], 0, 0
    sizes = config.sizes()
    for node in config.nodes:
        numbers = torch.Size(sizes[node.name]).numel()
        if node.operator in ("Conv", "Gemm"):
            weight, *biases = node.constants.values()
            macs += numbers * torch.Size(weight[1:]).numel()
            parameters += sum(torch.Size(shape).numel() for shape in (weight, *biases))
        if node.operator == "Relu" or node.name == LOGITS_OUTPUT:
            relus = numbers if node.operator == "Relu" else 0
            name = f"{LAYERS}.{module_key(node.name)}" if relus else "classify"
            layers.append(LayerCount(name, relus, macs, parameters))
            macs = parameters = 0
    return NetworkCount(tuple(layers))


def module_key(name: str) -> str:
    """A node's name as a module's, which has no dots."""
    return name.replace(".", "/")
