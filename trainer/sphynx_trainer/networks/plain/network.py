"""A plain graph as a network that trains: its weights are parameters, its structure is data.

So a model of which only the exported file is left can be trained on, once its convolutions have
batch norms again (`batch_norms.py`).
"""

from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..activations.masked_relu import MaskedReLU, replace_module
from ..base.batch_norm import BatchNorm2d, scale_and_shift
from ..base.classifier import Classifier
from ..base.graph import IMAGE_INPUT, LOGITS_OUTPUT, Graph, GraphBuilder, Node, compute
from .config import LAYERS, NodeShape, PlainConfig, masks_of, module_key
from .spectral import Plan, Shape, SpectralProduct


class PlainConvolution(nn.Module):
    """A convolution as ONNX has it, of maps whose size is known, and perhaps a batch norm.

    On a CPU it takes the way of fewer multiplications. multiplications: of this way, an image.
    """

    def __init__(
        self,
        node: NodeShape,
        channels_in: int,
        sides: tuple[int, ...],
        *,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        shape, *biases = node.constants.values()
        self.weight = nn.Parameter(torch.zeros(shape))
        biased = biases and not batch_norm
        self.bias = nn.Parameter(torch.zeros(biases[0])) if biased else None
        self.norm = BatchNorm2d(shape[0]) if batch_norm else None
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
        """Convolves maps and normalises the result."""
        output = self._convolved(images)
        return output if self.norm is None else self.norm(output)

    def constants(self) -> tuple[Tensor, ...]:
        """The weight, and the bias if there is one, of the convolution in evaluation mode."""
        if self.norm is None:
            return (self.weight,) if self.bias is None else (self.weight, self.bias)
        scale, shift = scale_and_shift(self.norm)
        return self.weight.double() * scale.view(-1, 1, 1, 1), shift

    def _convolved(self, images: Tensor) -> Tensor:
        """Convolves maps, by the Fourier transform where that takes fewer multiplications."""
        if self.spectral is None or images.device.type != "cpu":
            return F.conv2d(F.pad(images, self.pads), self.weight, self.bias, stride=self.strides)
        output: Tensor = self.spectral(images, self.weight)
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
                self.layers[module_key(node.name)] = PlainConvolution(
                    node, source[0], source[1:], batch_norm=config.batch_norm
                )
            elif node.operator == "Gemm":
                (features, _), _ = node.constants.values()
                self.layers[module_key(node.name)] = nn.Linear(source[0], features)
            elif node.operator == "Relu":
                self.layers[module_key(node.name)] = nn.ReLU()
        for module in self.modules():
            if isinstance(module, PlainConvolution):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @classmethod
    def of(cls, graph: Graph, origin: dict[str, Any] | None = None) -> Self:
        """The network with a graph's structure, weights and masks. Raises ValueError."""
        network = cls(PlainConfig.of(graph, origin))
        for node in graph.nodes:
            if node.operator in ("Conv", "Gemm"):
                module = network.module_of(node)
                values = zip(("weight", "bias"), node.constants.values(), strict=False)
                module.load_state_dict(dict(values))
        for relu, mask in masks_of(graph).items():
            replace_module(network, f"{LAYERS}.{module_key(relu)}", MaskedReLU(mask))
        return network

    def module_of(self, node: Node | NodeShape) -> nn.Module:
        """What computes a node that has weights or is an activation."""
        return self.classify if node.name == LOGITS_OUTPUT else self.layers[module_key(node.name)]

    def block_outputs(self, images: Tensor) -> list[Tensor]:
        """Returns the maps that the head reads, as the only block."""
        values = {IMAGE_INPUT: images}
        head = self.config.head
        body = self.config.nodes[: -len(head)]
        self._run(body, values)
        return [values[node.name] for node in body if node.operator == "Relu"]

    def head(self, output: Tensor) -> Tensor:
        """Runs the nodes from the last map to the logits."""
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
            constants = dict(zip(node.constants, self._weights(node), strict=True))
            builder.node(node.name, node.operator, inputs, constants, **node.attributes)
        return builder.graph(self.config.image_size, self.config.classes)

    def _weights(self, node: NodeShape) -> tuple[Tensor, ...]:
        """The constants of a node in evaluation mode."""
        if not node.constants:
            return ()
        module = self.module_of(node)
        if isinstance(module, PlainConvolution):
            return module.constants()
        assert isinstance(module, nn.Linear)
        return module.weight, module.bias
