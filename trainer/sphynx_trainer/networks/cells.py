"""A Sphynx cell: linear operations between six nodes, then one Conv1x1-BN-ReLU (section 4.1)."""

import torch
from torch import Tensor, nn

from .affine import AffineMap, concatenate
from .genotype import CellPlan, Edge
from .margins import NO_MARGIN, Margin, crop, needed, widest
from .operations import ConvBN, FactorizedReduce, Operation, Skip, make_operation

INPUTS = 2
"""Nodes 0 and 1 are the cell's inputs."""


class Cell(nn.Module):
    """One cell. Its only ReLU is at its output, so it costs one ReLU per output element.

    channels: of every intermediate node and of the output. A reduce cell (stride 2) reads
    inputs of a quarter of the channels and twice the size. Where input 0 has twice the size of
    input 1, `align_from` gives its channels; it is brought to the shape of input 1 first.
    `drop_path` is the chance, in training, that an edge other than the identity is left out.
    """

    drop_path = 0.0

    def __init__(
        self, plan: CellPlan, channels: int, *, reduce: bool, align_from: int | None
    ) -> None:
        super().__init__()
        self.plan = plan
        self.stride = 2 if reduce else 1
        channels_in = channels // 4 if reduce else channels
        self.align = None if align_from is None else FactorizedReduce(align_from, channels_in)
        self.operations = nn.ModuleList(
            nn.ModuleList(self._operation(edge, channels_in, channels) for edge in node)
            for node in plan
        )
        self.mix = ConvBN(len(plan) * channels, channels, size=1)
        self.relu = nn.ReLU()
        self.relu = nn.ReLU()
        self.margins = self._node_margins()

    def _operation(self, edge: Edge, channels_in: int, channels: int) -> nn.Module:
        if edge.node < INPUTS:
            return make_operation(edge.operation, channels_in, channels, self.stride)
        return make_operation(edge.operation, channels, channels, 1)

    def _pair(self, index: int) -> list[Operation]:
        """The two operations of an intermediate node."""
        pair = self.operations[index]
        assert isinstance(pair, nn.ModuleList)
        return [operation for operation in pair if isinstance(operation, Operation)]

    def _node_margins(self) -> tuple[Margin, ...]:
        """How far beyond its border each node must be known, from the last node backwards."""
        margins = [NO_MARGIN] * (INPUTS + len(self.plan))
        for index in reversed(range(len(self.plan))):
            for edge, operation in zip(self.plan[index], self._pair(index), strict=True):
                request = needed(margins[INPUTS + index], operation.reach, operation.stride)
                margins[edge.node] = widest((margins[edge.node], request))
        return tuple(margins)

    @property
    def input_margins(self) -> tuple[Margin, Margin]:
        """The margins that `forward` expects around its two inputs."""
        first, second = self.margins[:INPUTS]
        if self.align is not None:
            first = needed(first, self.align.reach, self.align.stride)
        return first, second

    def linear(self, first: Tensor, second: Tensor) -> Tensor:
        """Everything before the ReLU: a linear map of the two input patches."""
        nodes = [first if self.align is None else self.align(first), second]
        for index in range(len(self.plan)):
            left, right = (self._edge(nodes, index, side) for side in range(2))
            nodes.append(left + right)
        inner = zip(nodes[INPUTS:], self.margins[INPUTS:], strict=True)
        cropped = [crop(node, have, NO_MARGIN) for node, have in inner]
        mixed: Tensor = self.mix(torch.cat(cropped, dim=1))
        return mixed

    def _edge(self, nodes: list[Tensor], index: int, side: int) -> Tensor:
        source = self.plan[index][side].node
        operation = self._pair(index)[side]
        want = needed(self.margins[INPUTS + index], operation.reach, operation.stride)
        result: Tensor = operation(crop(nodes[source], self.margins[source], want))
        if self.training and self.drop_path and not isinstance(operation, Skip):
            return _drop(result, self.drop_path)
        return result

    def affine(self, first: AffineMap, second: AffineMap) -> AffineMap:
        """`linear` in evaluation mode as one multi-input convolution."""
        nodes = [first if self.align is None else self.align.affine(first), second]
        for index, plan in enumerate(self.plan):
            left, right = (
                operation.affine(nodes[edge.node])
                for edge, operation in zip(plan, self._pair(index), strict=True)
            )
            nodes.append(left + right)
        mixed: AffineMap = self.mix.affine(concatenate(nodes[INPUTS:]))
        return mixed

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        activated: Tensor = self.relu(self.linear(first, second))
        return activated


def _drop(tensor: Tensor, chance: float) -> Tensor:
    """Zeroes whole images of a batch and scales the others up, so that the mean stays."""
    kept = torch.rand(len(tensor), 1, 1, 1, device=tensor.device) >= chance
    return tensor * kept / (1 - chance)
