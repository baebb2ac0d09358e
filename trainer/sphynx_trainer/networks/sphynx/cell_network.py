"""The skeleton of Sphynx networks: D cells between a stem and a linear head (figure 1).

Stems differ: CIFAR and Tiny-ImageNet images enter through one convolution (`sphynx.py`),
ImageNet's through three (`sphynx_imagenet.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from ..base.classifier import Classifier
from .affine import AffineMap
from .cells import FORMS, Cell, CellShape, Form
from .genotype import SPHYNX_CIFAR100, Genotype
from .margins import Margin, crop, widest

STEM_FACTOR = 3
"""Channels of the paper's stem over those of a cell before the first reduce cell."""

Balance = Literal["relus", "flops"]
BALANCES: dict[Balance, int] = {"relus": 2, "flops": 1}
"""How often a reduce cell doubles the channels."""

OLDER, NEWER = -2, -1
"""Stand for the stem's two outputs where a cell's source is named by a cell's index."""


@dataclass(frozen=True)
class SphynxConfig:
    """What fixes a Sphynx network. channels is C, depth is D, reduce the reduce cells' indices.

    form: "paper" is the authors' network, "slim" our variation with fewer parameters. balance:
    "relus" gives a reduce cell four times the channels, so that all cells cost as many ReLUs,
    "flops" twice, as most convolutional networks do (appendix F.2). separable: the operations'
    convolutions are (appendix F.3); exported, they cost the same.
    """

    channels: int
    depth: int
    reduce: tuple[int, ...]
    genotype: Genotype = SPHYNX_CIFAR100
    image_size: int = 32
    classes: int = 100
    form: Form = "paper"
    balance: Balance = "relus"
    separable: bool = False

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f"unknown form {self.form!r}; expected one of {', '.join(FORMS)}")
        if self.balance not in BALANCES:
            known = ", ".join(BALANCES)
            raise ValueError(f"unknown balance {self.balance!r}; expected one of {known}")
        if sorted(set(self.reduce)) != list(self.reduce):
            raise ValueError(f"reduce cells must be ascending and distinct, got {self.reduce}")
        if any(not 0 <= index < self.depth for index in self.reduce):
            raise ValueError(f"reduce cells {self.reduce} lie outside 0..{self.depth - 1}")
        if self.grid % 2 ** len(self.reduce):
            raise ValueError(f"image size {self.image_size} cannot be halved {len(self.reduce)}x")

    @property
    def grid(self) -> int:
        """Rows (and columns) of the map that the first cell reads."""
        return self.image_size

    @property
    def relus(self) -> int:
        """Those of all cells; H0 * W0 * C * D where they are balanced."""
        return sum(
            self.size_after(cell) ** 2 * self.channels_after(cell) for cell in range(self.depth)
        )

    @property
    def stem_channels(self) -> int:
        """Channels of each of the stem's outputs."""
        return STEM_FACTOR * self.channels if self.form == "paper" else self.channels

    def channels_after(self, cell: int) -> int:
        """Channels of a cell's output, or of the stem's."""
        if cell < 0:
            return self.stem_channels
        doublings = BALANCES[self.balance] * sum(index <= cell for index in self.reduce)
        return self.channels << doublings

    def size_after(self, cell: int) -> int:
        """Rows (and columns) of a cell's output, or of the stem's."""
        return self.grid >> sum(index <= cell for index in self.reduce)

    def halves_first(self, cell: int) -> bool:
        """Whether a cell's input 0 has twice the size of its input 1."""
        return cell - 1 in self.reduce

    def cell_shape(self, cell: int) -> CellShape:
        """What a cell reads and computes."""
        older, newer = (self.channels_after(source) for source in sources_of(cell))
        return CellShape(
            self.channels_after(cell),
            (older, newer),
            reduce=cell in self.reduce,
            halve_first=self.halves_first(cell),
            form=self.form,
            separable=self.separable,
        )


@dataclass(frozen=True)
class Segment:
    """A linear map of earlier secret tensors and the activation after it: one layer.

    Its result is the secret tensor whose number is the segment's position. size: its rows.
    """

    name: str
    affine: AffineMap
    size: int
    activation: nn.Module


class CellNetwork(Classifier):
    """A network of cells. Subclasses add the stem."""

    def __init__(self, config: SphynxConfig) -> None:
        super().__init__()
        self.config = config
        self._add_stem()
        genotype = config.genotype
        self.cells = nn.ModuleList(
            Cell(
                genotype.reduce if index in config.reduce else genotype.normal,
                config.cell_shape(index),
            )
            for index in range(config.depth)
        )
        self.classify = nn.Linear(config.channels_after(config.depth - 1), config.classes)
        self.margins = self._output_margins()
        self.initialise("linear")

    def _add_stem(self) -> None:
        """Adds the stem's modules."""
        raise NotImplementedError

    def _stem_patches(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The stem's older and newer output with their `margins`."""
        raise NotImplementedError

    def _stem_maps(self, segments: list[Segment]) -> tuple[AffineMap, AffineMap]:
        """The stem's outputs in evaluation mode; appends the stem's own segments."""
        raise NotImplementedError

    def sequence(self) -> Sequence[Cell]:
        """The cells in order."""
        return [cell for cell in self.cells if isinstance(cell, Cell)]

    def _output_margins(self) -> dict[int, Margin]:
        """The widest margin around each cell's output (and the stem's) that a later cell reads."""
        requests: dict[int, list[Margin]] = {index: [] for index in range(OLDER, self.config.depth)}
        for index, cell in enumerate(self.sequence()):
            for source, margin in zip(sources_of(index), cell.input_margins, strict=True):
                requests[source].append(margin)
        return {source: widest(margins) for source, margins in requests.items()}

    def block_outputs(self, images: Tensor) -> list[Tensor]:
        """Returns every cell's output."""
        older, newer = self._stem_patches(images)
        patches = {OLDER: older, NEWER: newer}
        outputs: list[Tensor] = []
        for index, cell in enumerate(self.sequence()):
            first, second = (
                crop(patches[source], self.margins[source], margin)
                for source, margin in zip(sources_of(index), cell.input_margins, strict=True)
            )
            outputs.append(cell(first, second))
            patches[index] = pad(outputs[-1], self.margins[index])
        return outputs

    def segments(self) -> list[Segment]:
        """All layers but the last in evaluation mode, each one multi-input convolution."""
        segments: list[Segment] = []
        older, newer = self._stem_maps(segments)
        maps = {OLDER: older, NEWER: newer}
        for index, cell in enumerate(self.sequence()):
            first, second = (maps[source] for source in sources_of(index))
            affine = cell.affine(first, second)
            size, channels = self.config.size_after(index), self.config.channels_after(index)
            maps[index] = AffineMap.identity(len(segments), channels)
            segments.append(Segment(f"cell{index}", affine, size, cell.relu))
        return segments


def pad(tensor: Tensor, margin: Margin) -> Tensor:
    """Zeros around a secret tensor: the only padding in the network."""
    return F.pad(tensor, (margin.before, margin.after, margin.before, margin.after))


def sources_of(cell: int) -> tuple[int, int]:
    """The two cells (or outputs of the stem) that a cell reads as its inputs 0 and 1."""
    return cell - 2, cell - 1
