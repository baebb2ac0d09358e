"""A plain graph as a network that trains: its weights are parameters, its structure is data.

So a model of which only the exported file is left can be trained on, once its convolutions have
batch norms again (`batch_norms.py`).
"""

from typing import Any, Self

from torch import Tensor, nn

from ..activations.masked_relu import MaskedReLU, replace_module
from ..base.classifier import Classifier
from ..base.graph import IMAGE_INPUT, LOGITS_OUTPUT, Graph, GraphBuilder, compute
from .config import LAYERS, NodeShape, PlainConfig, masks_of, module_key
from .convolution import ConvolutionSum, PlainConvolution, Spectra


class PlainNetwork(Classifier):
    """The network with a configuration's structure."""

    def __init__(self, config: PlainConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleDict()
        sizes = config.sizes()
        self._terms: dict[str, tuple[ConvolutionSum, int]] = {}
        for name, convolutions in config.sums().items():
            terms = [
                PlainConvolution(node, sizes[node.inputs[0]], biased=not config.batch_norm)
                for node in convolutions
            ]
            total = ConvolutionSum(terms, batch_norm=config.batch_norm)
            self.layers[module_key(name)] = total
            for index, node in enumerate(convolutions):
                self._terms[node.name] = total, index
        for node in config.nodes:
            source = sizes[node.inputs[0]]
            if node.name == LOGITS_OUTPUT:
                self.classify = nn.Linear(source[0], config.classes)
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
                conv = node.operator == "Conv"
                module = network.convolution(node.name) if conv else network._module_of(node.name)
                values = zip(("weight", "bias"), node.constants.values(), strict=False)
                assert module is not None
                module.load_state_dict({**module.state_dict(), **dict(values)})
        for relu, mask in masks_of(graph).items():
            replace_module(network, f"{LAYERS}.{module_key(relu)}", MaskedReLU(mask))
        return network

    def convolution(self, node: str) -> PlainConvolution:
        """What holds the weights of the convolution of that name."""
        total, index = self._terms[node]
        return total.convolutions[index]

    def block_outputs(self, images: Tensor) -> list[Tensor]:
        """Returns the maps of all ReLUs before the head."""
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
        """Adds what the nodes compute to `values`, but no terms of sums."""
        spectra: Spectra = {}
        for node in nodes:
            module = self._module_of(node.name)
            if isinstance(module, ConvolutionSum):
                values[node.name] = module(values, spectra)
            elif module is not None:
                values[node.name] = module(values[node.inputs[0]])
            elif node.operator != "Conv":
                inputs = [values[name] for name in node.inputs]
                values[node.name] = compute(node.operator, inputs, node.attributes)

    def _module_of(self, node: str) -> nn.Module | None:
        """What computes a node, unless its operator alone says it or it is a term of a sum."""
        if node == LOGITS_OUTPUT:
            return self.classify
        key = module_key(node)
        return self.layers[key] if key in self.layers else None  # noqa: SIM401 (has no get)

    def graph(self) -> Graph:
        """The graph with the weights of now: names, order and attributes are those of before."""
        builder = GraphBuilder()
        renamed: dict[str, str] = {}
        for node in self.config.nodes:
            inputs = tuple(renamed.get(name, name) for name in node.inputs)
            if node.operator == "Relu":
                module = self.layers[module_key(node.name)]
                renamed[node.name] = builder.activation(node.name, inputs[0], module)
                continue
            constants = dict(zip(node.constants, self._weights(node), strict=True))
            builder.node(node.name, node.operator, inputs, constants, **node.attributes)
        return builder.graph(self.config.image_size, self.config.classes)

    def _weights(self, node: NodeShape) -> tuple[Tensor, ...]:
        """The constants of a node in evaluation mode."""
        if not node.constants:
            return ()
        if node.name in self._terms:
            total, index = self._terms[node.name]
            return total.constants(index)
        module = self._module_of(node.name)
        assert isinstance(module, nn.Linear)
        return module.weight, module.bias
