"""Starts a deeper network as a trained one that is less deep (Net2Net, Chen et al., ICLR 2016)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..base.graph import IMAGE_INPUT
from .config import NodeShape, PlainConfig
from .convolution import PlainConvolution
from .network import PlainNetwork


@dataclass(frozen=True)
class _Cell:
    """A ReLU and the convolutions whose sum it reads. shape: of its map, [C, H, W]."""

    relu: str
    convolutions: tuple[NodeShape, ...]
    shape: tuple[int, ...]


@torch.no_grad()
def grow(network: PlainNetwork, smaller: PlainNetwork) -> None:
    """Gives `network` the weights of a shallower one; neither has batch norms or envelopes.

    Both are chains of cells whose maps have the same shapes in the same order. Of the cells of a
    shape, the first ones take over those of the smaller network; the others pass their input on,
    which their ReLU leaves as it is. A kernel is put into the middle of a larger one. So the
    network computes what the smaller one does, except where that one's cell reads a map that is
    now too far back: such a term starts at zero. Raises ValueError for networks of other shapes.
    """
    pairs = list(_pairs(_cells(network.config), _cells(smaller.config)))
    head, smaller_head = network.classify, smaller.classify
    if head.weight.shape != smaller_head.weight.shape:
        raise ValueError("the smaller network has other classes")
    head.load_state_dict(smaller_head.state_dict())
    carried = {IMAGE_INPUT: IMAGE_INPUT}
    for cell, counterpart, own in pairs:
        layers = [network.convolution(node.name) for node in cell.convolutions]
        for layer in layers:
            for parameter in layer.parameters():
                parameter.zero_()
        if own:
            _take_over(
                layers,
                [smaller.convolution(node.name) for node in counterpart.convolutions],
                carried,
            )
        else:
            _pass_on(layers, counterpart.relu, carried)
        carried[cell.relu] = counterpart.relu


def _cells(config: PlainConfig) -> list[_Cell]:
    """The cells in order. Raises ValueError for a ReLU of anything but convolutions."""
    sums, sizes = config.sums(), config.sizes()
    cells = []
    for node in config.nodes:
        if node.operator == "Relu":
            if node.inputs[0] not in sums:
                raise ValueError(f"{node.name} reads no sum of convolutions")
            cells.append(_Cell(node.name, sums[node.inputs[0]], sizes[node.name]))
    return cells


def _pairs(deep: Sequence[_Cell], shallow: Sequence[_Cell]) -> Iterator[tuple[_Cell, _Cell, bool]]:
    """Every cell with the one whose map it computes, and whether it takes over its weights."""
    last, waiting = None, list(shallow)
    for cell in deep:
        own = bool(waiting) and waiting[0].shape == cell.shape
        if own:
            last = waiting.pop(0)
        if last is None or last.shape != cell.shape:
            raise ValueError(f"the smaller network has no map like that of {cell.relu}")
        yield cell, last, own
    if waiting:
        raise ValueError(f"the larger network has no place for {waiting[0].relu}")


def _take_over(
    layers: Sequence[PlainConvolution],
    theirs: Sequence[PlainConvolution],
    carried: dict[str, str],
) -> None:
    """Puts a cell's weights into those of a deeper network, the nearest maps first."""
    waiting = {layer.source: layer for layer in theirs}
    for layer in reversed(layers):
        other = waiting.pop(carried[layer.source], None)
        if other is not None:
            _embed(layer, other.weight, other.pads)
    biases = [layer.bias for layer in theirs if layer.bias is not None]
    place = next((layer.bias for layer in layers if layer.bias is not None), None)
    if place is not None and biases:
        place.copy_(torch.stack(list(biases)).sum(dim=0))


def _pass_on(layers: Sequence[PlainConvolution], relu: str, carried: dict[str, str]) -> None:
    """Makes the convolution of the nearest map copy it, if that map carries the ReLU's."""
    layer = layers[-1]
    if carried[layer.source] != relu:
        raise ValueError(f"{layer.source} is not the map before the cell that reads it last")
    channels = len(layer.weight)
    _embed(layer, torch.eye(channels).view(channels, channels, 1, 1), (0, 0, 0, 0))


def _embed(layer: PlainConvolution, kernel: Tensor, pads: tuple[int, ...]) -> None:
    """Adds a kernel with its padding (left, right, top, bottom) to a layer's of the same stride."""
    left, _, top, _ = (mine - theirs for mine, theirs in zip(layer.pads, pads, strict=True))
    height, width = kernel.shape[2:]
    place = layer.weight[:, :, max(top, 0) : top + height, max(left, 0) : left + width]
    if place.shape != kernel.shape:
        raise ValueError(f"a kernel of the smaller network does not fit that of {layer.source}")
    place += kernel
