"""Collapses a trained network of cells: one multi-input convolution per ReLU layer.

With batch norm in inference form a cell has no nonlinearity before its ReLU, so it equals
one convolution per secret tensor it reads. The rich form trains better; the collapsed form
is what private inference computes, one linear layer per ReLU layer.
"""

from torch import Tensor

from ..base.graph import IMAGE_INPUT, Graph, GraphBuilder, Pads
from .affine import IMAGE, Kernel
from .cell_network import CellNetwork, Segment


def collapsed_graph(network: CellNetwork) -> Graph:
    """The plain graph of a network of cells in evaluation mode."""
    graph = GraphBuilder()
    names = {IMAGE: "image"}
    tensors = {IMAGE: IMAGE_INPUT}
    output = IMAGE_INPUT
    for index, segment in enumerate(network.segments()):
        total = _append_sum(graph, segment, names, tensors)
        output = graph.activation(f"{segment.name}/relu", total, segment.activation)
        names[index], tensors[index] = segment.name, output
    graph.classify(output, network.classify)
    return graph.graph(network.config.image_size, network.config.classes)


def _append_sum(
    graph: GraphBuilder, segment: Segment, names: dict[int, str], tensors: dict[int, str]
) -> str:
    """Adds one convolution per source and their sum; the first carries the bias."""
    name, total = segment.name, ""
    for source, kernel in segment.affine.kernels.items():
        weight, pads, stride = placed(kernel)
        constants = {f"{name}/weight_{names[source]}": weight}
        if not total:
            constants[f"{name}/bias"] = segment.affine.bias
        share = graph.conv(f"{name}/conv_{names[source]}", tensors[source], constants, stride, pads)
        joined = (total, share)
        total = graph.node(f"{name}/add_{names[source]}", "Add", joined) if total else share
    return total


def placed(kernel: Kernel) -> tuple[Tensor, Pads, int]:
    """A kernel as ONNX's Conv takes it: weight, pads and stride."""
    kernel = kernel.trimmed()
    before, after = -kernel.first, kernel.last - (kernel.stride - 1)
    return kernel.weight.contiguous(), (before, before, after, after), kernel.stride
