"""Cells as data: which operation joins which nodes (Sphynx, section 4.1 and appendix).

Nodes 0 and 1 are the outputs of the two previous cells, nodes 2 to 5 the intermediate
nodes, each the sum of two operations. The cell's output is made of all intermediate nodes.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Edge(NamedTuple):
    """One operation and the node it reads."""

    operation: str
    node: int


NodePlan = tuple[Edge, Edge]
"""The two edges whose results are summed into one intermediate node."""

CellPlan = tuple[NodePlan, ...]
"""The intermediate nodes of a cell, in order; node i + 2 is element i."""


@dataclass(frozen=True)
class Genotype:
    """The two kinds of cell a network is stacked from."""

    name: str
    normal: CellPlan
    reduce: CellPlan


SPHYNX_CIFAR100 = Genotype(
    name="sphynx-cifar100",
    normal=(
        (Edge("skip", 0), Edge("skip", 1)),
        (Edge("skip", 2), Edge("dilated5x5", 0)),
        (Edge("conv5x5", 2), Edge("dilated3x3", 0)),
        (Edge("conv3x3", 1), Edge("skip", 2)),
    ),
    reduce=(
        (Edge("conv3x3", 0), Edge("conv3x3", 1)),
        (Edge("skip", 0), Edge("conv3x3", 2)),
        (Edge("dilated3x3", 0), Edge("skip", 2)),
        (Edge("conv5x5", 0), Edge("skip", 4)),
    ),
)
"""The cells the authors found on CIFAR-100 and published."""

GENOTYPES = {genotype.name: genotype for genotype in (SPHYNX_CIFAR100,)}
"""Every genotype that a network configuration may name."""
