"""A Sphynx cell: linear operations between six nodes, then one Conv1x1-BN-ReLU (section 4.1)."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from .affine import AffineMap, concatenate
from .convolutions import ConvBN, FactorizedReduce, Operation
from .genotype import CellPlan, Edge
from .margins import NO_MARGIN, Margin, crop, needed, widest
from .operations import Skip, make_operation

Form = Literal["paper", "slim"]
"""The paper's cells, as its authors' published code builds them, or our variation: it keeps their
ReLUs and leaves out most of their parameters.
"""
FORMS: tuple[Form, ...] = get_args(Form)

INPUTS = 2
"""Nodes 0 and 1 are the cell's inputs."""


@dataclass(frozen=True)
class CellShape:
    """What a cell reads and computes.

    channels: of every intermediate node and of the output; inputs: of nodes 0 and 1. A reduce
    cell halves the size of its inputs. halve_first: input 0 has twice the size of input 1.
    form: "paper" brings each input to the cell's channels by a convolution of its own and
    convolves twice in 3x3 and 5x5 operations; "slim" does neither. separable: so are the
    convolutions of its operations.
    """

    channels: int
    inputs: tuple[int, int]
    reduce: bool
    halve_first: bool
    form: Form
    separable: bool = False


class Cell(nn.Module):
    """One cell. Its only ReLU is at its output, so it costs one ReLU per output element.

    `drop_path` is the chance, in training, that an edge other than the identity is left out.
    """

    drop_path = 0.0

    def __init__(self, plan: CellPlan, shape: CellShape) -> None:
        super().__init__()
        self.plan = plan
        self.shape = shape
        self.stride = 2 if shape.reduce else 1
        paper = shape.form == "paper"
        self.prepare = nn.ModuleList(self._preparation(index) for index in range(INPUTS))
        self.operations = nn.ModuleList(
            nn.ModuleList(self._operation(edge) for edge in node) for node in plan
        )
        self.mix = ConvBN(len(plan) * shape.channels, shape.channels, size=1, scaled=not paper)
        self.relu = nn.ReLU()
        self.margins = self._node_margins()

    def _preparation(self, index: int) -> Operation:
        """What brings input `index` to the shape of the node with that number."""
        shape, channels = self.shape, self.shape.inputs[index]
        halve = index == 0 and shape.halve_first
        if shape.form == "paper":
            if halve:
                return FactorizedReduce(channels, shape.channels, scaled=False)
            return ConvBN(channels, shape.channels, size=1, scaled=False)
        return FactorizedReduce(channels, shape.inputs[1]) if halve else Skip()

    def _operation(self, edge: Edge) -> Operation:
        shape, paper = self.shape, self.shape.form == "paper"
        channels, stride = shape.channels, 1
        if edge.node < INPUTS:
            channels, stride = shape.channels if paper else shape.inputs[1], self.stride
        return make_operation(
            edge.operation,
            channels,
            shape.channels,
            stride,
            repeat=paper,
            separable=shape.separable,
        )

    def _prepared(self, index: int) -> Operation:
        preparation = self.prepare[index]
        assert isinstance(preparation, Operation)
        return preparation

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
        first, second = (
            needed(margin, part.reach, part.stride)
            for margin, part in zip(self.margins, map(self._prepared, range(INPUTS)), strict=False)
        )
        return first, second

    def linear(self, first: Tensor, second: Tensor) -> Tensor:
        """Everything before the ReLU: a linear map of the two input patches."""
        nodes: list[Tensor] = [self.prepare[0](first), self.prepare[1](second)]
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
        nodes = [self._prepared(0).affine(first), self._prepared(1).affine(second)]
        for index, plan in enumerate(self.plan):
            left, right = (
                operation.affine(nodes[edge.node])
                for edge, operation in zip(plan, self._pair(index), strict=True)
            )
            nodes.append(left + right)
        mixed: AffineMap = self.mix.affine(concatenate(nodes[INPUTS:]))
        return mixed

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Returns the cell's output from patches of its two inputs."""
        activated: Tensor = self.relu(self.linear(first, second))
        return activated


def _drop(tensor: Tensor, chance: float) -> Tensor:
    """Zeroes whole images of a batch and scales the others up, so that the mean stays."""
    kept = torch.rand(len(tensor), 1, 1, 1, device=tensor.device) >= chance
    return tensor * kept / (1 - chance)
