"""Cells as data: which operation joins which nodes (Sphynx, section 4.1 and appendix).

Nodes 0 and 1 are the outputs of the two previous cells, nodes 2 to 5 (2 and 3 in the small
cells of appendix F.4) the intermediate nodes, each the sum of two operations. The cell's
output is made of all intermediate nodes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self


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

    def __post_init__(self) -> None:
        for plan in (self.normal, self.reduce):
            for index, node in enumerate(plan):
                if any(not 0 <= edge.node < index + 2 for edge in node):
                    raise ValueError(
                        f"genotype {self.name!r}: node {index + 2} reads a node not before it"
                    )

    def to_json(self) -> dict[str, Any]:
        """The form that `from_json`, manifests and genotype.json have."""
        return {
            "name": self.name,
            "normal": [[list(edge) for edge in node] for node in self.normal],
            "reduce": [[list(edge) for edge in node] for node in self.reduce],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Reads what `to_json` wrote. Raises ValueError for anything else."""
        try:
            name = str(content["name"])
            normal, reduce = (tuple(_nodes(content[kind])) for kind in ("normal", "reduce"))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                "a genotype has name, normal and reduce; each cell is a list of nodes, each node "
                f"two pairs of an operation and the node it reads: {error}"
            ) from error
        return cls(name, normal, reduce)


def _nodes(plan: list[list[tuple[str, int]]]) -> Iterator[NodePlan]:
    for (first, one), (second, other) in plan:
        yield Edge(str(first), int(one)), Edge(str(second), int(other))


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

DARTS = Genotype(
    name="darts",
    normal=(
        (Edge("conv3x3", 0), Edge("conv3x3", 1)),
        (Edge("conv3x3", 0), Edge("conv3x3", 1)),
        (Edge("conv3x3", 1), Edge("skip", 0)),
        (Edge("skip", 0), Edge("dilated3x3", 2)),
    ),
    reduce=(
        (Edge("average_pool", 0), Edge("average_pool", 1)),
        (Edge("skip", 2), Edge("average_pool", 1)),
        (Edge("average_pool", 0), Edge("skip", 2)),
        (Edge("skip", 2), Edge("average_pool", 1)),
    ),
)
"""The second-order cells of DARTS (Liu et al., ICLR 2019), without ReLUs, with vanilla convolutions
and average pools as the Sphynx paper's appendix F.5 has them.
"""

PC_DARTS = Genotype(
    name="pc-darts",
    normal=(
        (Edge("conv3x3", 1), Edge("skip", 0)),
        (Edge("conv3x3", 0), Edge("dilated3x3", 1)),
        (Edge("conv5x5", 0), Edge("conv3x3", 1)),
        (Edge("average_pool", 0), Edge("dilated3x3", 1)),
    ),
    reduce=(
        (Edge("conv5x5", 1), Edge("average_pool", 0)),
        (Edge("conv5x5", 1), Edge("conv5x5", 2)),
        (Edge("conv3x3", 0), Edge("conv3x3", 3)),
        (Edge("conv3x3", 1), Edge("conv3x3", 2)),
    ),
)
"""The CIFAR cells of PC-DARTS (Xu et al., ICLR 2020), changed in the same way."""

GENOTYPES = {genotype.name: genotype for genotype in (SPHYNX_CIFAR100, DARTS, PC_DARTS)}
"""The genotypes that are known by name; others come from a file that search-cells wrote."""


def find_genotype(name: str) -> Genotype:
    """A known genotype by its name, or the one in the file `name`. Raises ValueError."""
    if name in GENOTYPES:
        return GENOTYPES[name]
    path = Path(name)
    if not path.is_file():
        raise ValueError(
            f"unknown genotype {name!r}; expected {', '.join(GENOTYPES)} or a file of search-cells"
        )
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    return Genotype.from_json(content)
