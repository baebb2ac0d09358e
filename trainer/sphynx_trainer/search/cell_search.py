"""The network that searches cells: all operations at once (Sphynx, section 4.2; table 5)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..networks.sphynx.cell_network import NEWER, OLDER, SphynxConfig
from ..networks.sphynx.convolutions import ConvBN
from ..networks.sphynx.genotype import Genotype
from ..networks.sphynx.operations import OPERATIONS
from .mixed_cell import MixedCell, derive, edges_of, padded
from .searchable import Searchable

SMALL_THETA = 1e-3
"""Standard deviation of the architecture parameters at the start (DARTS)."""


@dataclass(frozen=True)
class CellSearchConfig:
    """channels: C; cells: D; nodes: intermediate ones per cell.

    The paper counts the two inputs and the output too: its cells of 7 nodes have 4 here, those
    of 5 nodes (appendix F.4) have 2. The network that searches has the slim form: its cells read
    their inputs as they are, and every operation convolves once.
    """

    channels: int = 5
    cells: int = 8
    nodes: int = 4
    image_size: int = 32
    classes: int = 100

    @property
    def shapes(self) -> SphynxConfig:
        """Channels and sizes of the cells; reduce cells are at D/3 and 2D/3."""
        reduce = sorted({self.cells // 3, 2 * self.cells // 3}) if self.cells > 2 else []
        return SphynxConfig(
            self.channels,
            self.cells,
            tuple(reduce),
            image_size=self.image_size,
            classes=self.classes,
            form="slim",
        )


class CellSearchNetwork(Searchable):
    """A network of mixed cells; all normal cells share theta, and so do all reduce cells."""

    def __init__(self, config: CellSearchConfig) -> None:
        super().__init__()
        self.config = config
        shapes = config.shapes
        self.reduce = shapes.reduce
        self.stem = ConvBN(3, config.channels, size=3)
        self.cells = nn.ModuleList(
            MixedCell(
                config.nodes,
                shapes.channels_after(index),
                reduce=index in shapes.reduce,
                align_from=shapes.channels_after(index - 2) if shapes.halves_first(index) else None,
            )
            for index in range(config.cells)
        )
        self.classify = nn.Linear(shapes.channels_after(config.cells - 1), config.classes)
        edges = len(edges_of(config.nodes))
        self.theta_normal, self.theta_reduce = (
            nn.Parameter(SMALL_THETA * torch.randn(edges, len(OPERATIONS))) for _ in range(2)
        )

    def architecture(self) -> list[nn.Parameter]:
        """Returns theta of both kinds of cells."""
        return [self.theta_normal, self.theta_reduce]

    def forward(self, images: Tensor) -> Tensor:
        """Returns the logits, every edge a mixture of all operations."""
        stem = padded(self.stem, images)
        outputs = {OLDER: stem, NEWER: stem}
        normal, reduce = self.theta_normal.softmax(dim=1), self.theta_reduce.softmax(dim=1)
        for index, cell in enumerate(self.cells):
            weights = reduce if index in self.reduce else normal
            outputs[index] = cell(outputs[index - 2], outputs[index - 1], weights)
        pooled = torch.flatten(F.adaptive_avg_pool2d(outputs[self.config.cells - 1], 1), 1)
        logits: Tensor = self.classify(pooled)
        return logits

    @torch.no_grad()
    def genotype(self, name: str) -> Genotype:
        """The cells that the architecture parameters favour."""
        nodes = self.config.nodes
        return Genotype(
            name,
            normal=derive(self.theta_normal.softmax(dim=1), nodes),
            reduce=derive(self.theta_reduce.softmax(dim=1), nodes),
        )

    @torch.no_grad()
    def certainty(self) -> dict[str, float]:
        """Mean probability of every edge's likeliest operation, for the log."""
        return {
            name: float(theta.softmax(dim=1).max(dim=1).values.mean())
            for name, theta in (("normal", self.theta_normal), ("reduce", self.theta_reduce))
        }
