"""A plain graph as a network that trains: its weights are parameters, its structure is data.

So a model of which only the exported file is left can be trained on. It has no batch norm.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .classifier import Classifier
from .counting import LayerCount, NetworkCount
from .graph import IMAGE_INPUT, LOGITS_OUTPUT, Attributes, Graph, GraphBuilder, Node, compute
from .masked_relu import MaskedReLU, replace_module
from .spectral import Plan, Shape, SpectralProduct

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
    """

    nodes: tuple[NodeShape, ...]
    image_size: int
    classes: int
    origin: dict[str, Any] = field(default_factory=dict)

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
        if len({_key(node.name) for node in self.nodes}) < len(self.nodes):
            raise ValueError("two nodes have the same name")

    @staticmethod
    def of(graph: Graph, origin: dict[str, Any] | None = None) -> "PlainConfig":
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
        return PlainConfig(tuple(nodes), graph.image_size, graph.classes, origin or {})

    @staticmethod
    def from_json(content: dict[str, Any]) -> "PlainConfig":
        """Reads what dataclasses.asdict wrote. Raises ValueError."""
        try:
            nodes = tuple(
                NodeShape(**{**node, "inputs": tuple(node["inputs"])}) for node in content["nodes"]
            )
            return PlainConfig(**{**content, "nodes": nodes})
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no plain network: {error}") from error

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


class PlainConvolution(nn.Module):
    """A convolution as ONNX has it, of maps whose size is known.

    On a CPU it takes the way of fewer multiplications. multiplications: of this way, an image.
    """

    def __init__(self, node: NodeShape, channels_in: int, sides: tuple[int, ...]) -> None:
        super().__init__()
        shape, *biases = node.constants.values()
        self.weight = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.zeros(biases[0])) if biases else None
        pads, strides = node.attributes["pads"], node.attributes["strides"]
        assert isinstance(pads, list)
        assert isinstance(strides, list)
        top, left, bottom, right = pads
        self.pads, self.strides = (left, right, top, bottom), tuple(strides)
        square = sides[0] == sides[1] and shape[2] == shape[3] and strides[0] == strides[1]
        plan = None
        if square and (top, bottom) == (left, right):
            plan = Plan.of(
                Shape(channels_in, shape[0], shape[2], strides[0], (top, bottom), sides[0])
            )
        self.spectral = SpectralProduct(plan) if plan and plan.pays else None

    def multiplications(self, output: Tensor) -> int:
        """Of the way that is taken, for one image; output: of a batch."""
        if self.spectral is not None and output.device.type == "cpu":
            return self.spectral.plan.multiplications
        return output[0].numel() * self.weight[0].numel()

    def forward(self, images: Tensor) -> Tensor:
        if self.spectral is None or images.device.type != "cpu":
            return F.conv2d(F.pad(images, self.pads), self.weight, self.bias, stride=self.strides)
        with torch.autocast("cpu", enabled=False):
            output: Tensor = self.spectral(images.float(), self.weight)
            return output if self.bias is None else output + self.bias.view(1, -1, 1, 1)


class PlainNetwork(Classifier):
    """The network with a configuration's structure."""

    def __init__(self, config: PlainConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleDict()
        sizes = config.sizes()
        for node in config.nodes:
            source = sizes[node.inputs[0]]
            if node.name == LOGITS_OUTPUT:
                self.classify = nn.Linear(source[0], config.classes)
            elif node.operator == "Conv":
                self.layers[_key(node.name)] = PlainConvolution(node, source[0], source[1:])
            elif node.operator == "Gemm":
                (features, _), _ = node.constants.values()
                self.layers[_key(node.name)] = nn.Linear(source[0], features)
            elif node.operator == "Relu":
                self.layers[_key(node.name)] = nn.ReLU()
        for module in self.modules():
            if isinstance(module, PlainConvolution):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def of(graph: Graph, origin: dict[str, Any] | None = None) -> "PlainNetwork":
        """The network with a graph's structure, weights and masks. Raises ValueError."""
        network = PlainNetwork(PlainConfig.of(graph, origin))
        for node in graph.nodes:
            if node.operator in ("Conv", "Gemm"):
                module = network.module_of(node)
                values = zip(("weight", "bias"), node.constants.values(), strict=False)
                module.load_state_dict(dict(values))
        for relu, mask in masks_of(graph).items():
            replace_module(network, f"{LAYERS}.{_key(relu)}", MaskedReLU(mask))
        return network

    def module_of(self, node: Node | NodeShape) -> nn.Module:
        """What computes a node that has weights or is an activation."""
        return self.classify if node.name == LOGITS_OUTPUT else self.layers[_key(node.name)]

    def block_outputs(self, images: Tensor) -> list[Tensor]:
        values = {IMAGE_INPUT: images}
        head = self.config.head
        body = self.config.nodes[: -len(head)]
        self._run(body, values)
        return [values[node.name] for node in body if node.operator == "Relu"]

    def head(self, output: Tensor) -> Tensor:
        head = self.config.head
        values = {self.config.nodes[-len(head) - 1].name: output}
        self._run(head, values)
        return values[LOGITS_OUTPUT]

    def _run(self, nodes: tuple[NodeShape, ...], values: dict[str, Tensor]) -> None:
        """Adds what the nodes compute to `values`."""
        for node in nodes:
            inputs = [values[name] for name in node.inputs]
            if node.operator in ("Conv", "Gemm", "Relu"):
                values[node.name] = self.module_of(node)(*inputs)
            else:
                values[node.name] = compute(node.operator, inputs, node.attributes)

    def graph(self) -> Graph:
        """The graph with the weights of now: names, order and attributes are those of before."""
        builder = GraphBuilder()
        renamed: dict[str, str] = {}
        for node in self.config.nodes:
            inputs = tuple(renamed.get(name, name) for name in node.inputs)
            if node.operator == "Relu":
                module = self.module_of(node)
                renamed[node.name] = builder.activation(node.name, inputs[0], module)
                continue
            constants: dict[str, Tensor] = {}
            if node.constants:
                module = self.module_of(node)
                own = (module.weight, module.bias)
                for name, value in zip(node.constants, own, strict=False):
                    assert isinstance(value, Tensor)
                    constants[name] = value
            builder.node(node.name, node.operator, inputs, constants, **node.attributes)
        return builder.graph(self.config.image_size, self.config.classes)


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
            name = f"{LAYERS}.{_key(node.name)}" if relus else "classify"
            layers.append(LayerCount(name, relus, macs, parameters))
            macs = parameters = 0
    return NetworkCount(tuple(layers))


def _key(name: str) -> str:
    """A node's name as a module's, which has no dots."""
    return name.replace(".", "/")
