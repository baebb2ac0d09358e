"""The Sphynx skeleton: stem, D cells, global average pool, linear (section 4.1, figure 1)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .cells import Cell
from .genotype import SPHYNX_CIFAR100, Genotype
from .margins import Margin, crop, needed, widest
from .operations import ConvBN

STEM = -1
"""Stands for the stem where a cell's source is named by a cell's index."""


@dataclass(frozen=True)
class SphynxConfig:
    """What fixes a Sphynx network. channels is C, depth is D, reduce the reduce cells' indices."""

    channels: int
    depth: int
    reduce: tuple[int, ...]
    genotype: Genotype = SPHYNX_CIFAR100
    image_size: int = 32
    classes: int = 100

    def __post_init__(self) -> None:
        if sorted(set(self.reduce)) != list(self.reduce):
            raise ValueError(f"reduce cells must be ascending and distinct, got {self.reduce}")
        if any(not 0 <= index < self.depth for index in self.reduce):
            raise ValueError(f"reduce cells {self.reduce} lie outside 0..{self.depth - 1}")
        if self.image_size % 2 ** len(self.reduce):
            raise ValueError(f"image size {self.image_size} cannot be halved {len(self.reduce)}x")

    @property
    def relus(self) -> int:
        """H0 * W0 * C * D: a reduce cell quarters the pixels and takes four times the channels."""
        return self.image_size**2 * self.channels * self.depth

    def channels_after(self, cell: int) -> int:
        """Channels of a cell's output, or of the stem's."""
        return self.channels * 4 ** sum(index <= cell for index in self.reduce)

    def size_after(self, cell: int) -> int:
        """Rows (and columns) of a cell's output, or of the stem's."""
        return self.image_size // 2 ** sum(index <= cell for index in self.reduce)


def sources(cell: int) -> tuple[int, int]:
    """The two cells (or the stem) whose outputs a cell reads as its inputs 0 and 1."""
    return max(cell - 2, STEM), max(cell - 1, STEM)


class SphynxNetwork(nn.Module):
    """A trainable Sphynx network: [N, 3, S, S] normalised images -> [N, classes] logits."""

    def __init__(self, config: SphynxConfig) -> None:
        super().__init__()
        self.config = config
        genotype = config.genotype
        self.stem = ConvBN(3, config.channels, size=3)
        self.cells = nn.ModuleList(
            Cell(
                genotype.reduce if index in config.reduce else genotype.normal,
                config.channels_after(index),
                reduce=index in config.reduce,
                align=index - 1 in config.reduce,
            )
            for index in range(config.depth)
        )
        self.classify = nn.Linear(config.channels_after(config.depth - 1), config.classes)
        self.margins = self._output_margins()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="linear")

    def _output_margins(self) -> dict[int, Margin]:
        """The widest margin around each cell's output (and the stem's) that a later cell reads."""
        requests: dict[int, list[Margin]] = {index: [] for index in range(STEM, len(self.cells))}
        for index, cell in enumerate(self.cells):
            for source, margin in zip(sources(index), cell.input_margins, strict=True):
                requests[source].append(margin)
        return {source: widest(margins) for source, margins in requests.items()}

    def _stem_patch(self, images: Tensor) -> Tensor:
        """The stem's output, continued beyond the border as its response to the padded image."""
        image_margin = needed(self.margins[STEM], self.stem.reach, self.stem.stride)
        return self.stem(_pad(images, image_margin))

    def block_outputs(self, images: Tensor) -> list[Tensor]:
        """The outputs of all cells, after their ReLU."""
        patches = {STEM: self._stem_patch(images)}
        outputs = []
        for index, cell in enumerate(self.cells):
            inputs = (
                crop(patches[source], self.margins[source], margin)
                for source, margin in zip(sources(index), cell.input_margins, strict=True)
            )
            outputs.append(cell(*inputs))
            patches[index] = _pad(outputs[-1], self.margins[index])
        return outputs

    def head(self, output: Tensor) -> Tensor:
        """The last cell's output -> logits."""
        return self.classify(torch.flatten(F.adaptive_avg_pool2d(output, 1), 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.block_outputs(images)[-1])


def _pad(tensor: Tensor, margin: Margin) -> Tensor:
    """Zeros around a secret tensor: the only padding in the network."""
    return F.pad(tensor, (margin.before, margin.after, margin.before, margin.after))
