"""A cell in which every edge is a mixture of all operations (DARTS; Sphynx, appendix A)."""

import torch
from torch import Tensor, nn

from ..networks.sphynx.cell_network import pad
from ..networks.sphynx.cells import INPUTS
from ..networks.sphynx.convolutions import ConvBN, FactorizedReduce, Operation
from ..networks.sphynx.genotype import CellPlan, Edge
from ..networks.sphynx.margins import NO_MARGIN, needed
from ..networks.sphynx.operations import OPERATIONS, make_operation


def edges_of(nodes: int) -> list[tuple[int, int]]:
    """(node, predecessor) of every edge between a cell's nodes, in the order of theta's rows."""
    return [(node, source) for node in range(INPUTS, INPUTS + nodes) for source in range(node)]


class MixedOperation(nn.Module):
    """A weighted sum of all operations, each normalised so that their weights compare.

    Maps are padded before every operation: a search is not collapsed, and padding first would
    make its maps several times larger. Batch norms have no scale and shift of their own, which
    would compete with the weights of the mixture.
    """

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.operations = nn.ModuleList(
            make_operation(name, channels_in, channels, stride)
            for name in OPERATIONS
            if name != "zero"
        )
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.requires_grad_(False)
        self.pool = OPERATIONS.index("average_pool") if stride == 1 else None
        self.pool_norm = nn.BatchNorm2d(channels, affine=False)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """weights: one per operation, in the order of OPERATIONS; the last, zero, adds nothing."""
        total = torch.zeros((), device=x.device)
        for index, operation in enumerate(self.operations):
            assert isinstance(operation, Operation)
            result = padded(operation, x)
            if index == self.pool:
                result = self.pool_norm(result)
            total = total + weights[index] * result
        return total


class MixedCell(nn.Module):
    """A cell of a search network; the shapes are those of `Cell`."""

    def __init__(self, nodes: int, channels: int, *, reduce: bool, align_from: int | None) -> None:
        super().__init__()
        stride = 2 if reduce else 1
        channels_in = channels // 4 if reduce else channels
        self.nodes = nodes
        self.align = None if align_from is None else FactorizedReduce(align_from, channels_in)
        self.edges = nn.ModuleList(
            MixedOperation(channels_in, channels, stride)
            if source < INPUTS
            else MixedOperation(channels, channels, 1)
            for _, source in edges_of(nodes)
        )
        self.mix = ConvBN(nodes * channels, channels, size=1)
        self.relu = nn.ReLU()

    def forward(self, first: Tensor, second: Tensor, weights: Tensor) -> Tensor:
        """weights: [edges, operations], each row a distribution."""
        states = [first if self.align is None else padded(self.align, first), second]
        for node in range(INPUTS, INPUTS + self.nodes):
            parts = [
                edge(states[source], row)
                for (target, source), edge, row in zip(
                    edges_of(self.nodes), self.edges, weights, strict=True
                )
                if target == node
            ]
            states.append(torch.stack(parts).sum(dim=0))
        result: Tensor = self.relu(self.mix(torch.cat(states[INPUTS:], dim=1)))
        return result


def derive(weights: Tensor, nodes: int) -> CellPlan:
    """The cell that keeps, per node, the two strongest predecessors and their best operations.

    An edge is as strong as its likeliest operation other than zero. weights: as of MixedCell.
    """
    strengths, choices = weights[:, : OPERATIONS.index("zero")].max(dim=1)
    plan = []
    for node in range(INPUTS, INPUTS + nodes):
        rows = [row for row, (target, _) in enumerate(edges_of(nodes)) if target == node]
        kept = sorted(sorted(rows, key=lambda row: -float(strengths[row]))[:2])
        first, second = (
            Edge(OPERATIONS[int(choices[row])], edges_of(nodes)[row][1]) for row in kept
        )
        plan.append((first, second))
    return tuple(plan)


def padded(operation: Operation, x: Tensor) -> Tensor:
    """The operation with ordinary padding: a map of 1 / stride of the size."""
    result: Tensor = operation(pad(x, needed(NO_MARGIN, operation.reach, operation.stride)))
    return result
