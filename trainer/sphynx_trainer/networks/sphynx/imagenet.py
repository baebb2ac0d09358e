"""Sphynx for ImageNet: three convolutions of stride 2 before the cells (appendix H).

The second and the third read the ReLU of the one before; their own outputs, without ReLU,
are the first cell's inputs.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from .affine import IMAGE, AffineMap
from .cell_network import NEWER, OLDER, CellNetwork, Segment, SphynxConfig, pad
from .convolutions import ConvBN
from .margins import NO_MARGIN, crop, needed


@dataclass(frozen=True)
class SphynxImageNetConfig(SphynxConfig):
    """As SphynxConfig; the cells' grid is an eighth of the image."""

    image_size: int = 224
    classes: int = 1000

    def __post_init__(self) -> None:
        if self.image_size % 8 or self.channels % 2:
            raise ValueError(
                f"expected an image size that is a multiple of 8 and an even C, "
                f"got {self.image_size} and {self.channels}"
            )
        super().__post_init__()

    @property
    def grid(self) -> int:
        """Rows of the stem's output, an eighth of the image's."""
        return self.image_size // 8

    @property
    def stem_layers(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(channels, size) of the stem's two ReLU layers."""
        half, quarter = self.image_size // 2, self.image_size // 4
        return (self.channels // 2, half), (self.channels, quarter)

    @property
    def relus(self) -> int:
        """Those of the cells and of the stem."""
        return super().relus + sum(channels * size**2 for channels, size in self.stem_layers)

    @property
    def stem_channels(self) -> int:
        """Channels of the stem's output."""
        return self.channels

    def halves_first(self, cell: int) -> bool:
        """Whether a cell's input 0 has twice the size of its input 1, as the first cell's has."""
        return cell == 0 or super().halves_first(cell)


class SphynxImageNetNetwork(CellNetwork):
    """A trainable Sphynx network for ImageNet."""

    def _add_stem(self) -> None:
        channels = self.config.channels
        self.stem = nn.ModuleList(
            ConvBN(into, out, size=3, stride=2)
            for into, out in ((3, channels // 2), (channels // 2, channels), (channels, channels))
        )
        self.stem_relus = nn.ModuleList(nn.ReLU() for _ in range(2))

    def _stem_patches(self, images: Tensor) -> tuple[Tensor, Tensor]:
        older, newer = self.margins[OLDER], self.margins[NEWER]
        wanted = (NO_MARGIN, older, newer)
        first, second, third = (
            needed(margin, convolution.reach, convolution.stride)
            for margin, convolution in zip(wanted, self._convolutions(), strict=True)
        )
        one, two, three = self._convolutions()
        half = self.stem_relus[0](one(pad(images, first)))
        older_patch = two(pad(half, second))
        quarter = self.stem_relus[1](crop(older_patch, older, NO_MARGIN))
        return older_patch, three(pad(quarter, third))

    def _stem_maps(self, segments: list[Segment]) -> tuple[AffineMap, AffineMap]:
        source = AffineMap.identity(IMAGE, 3)
        one, two, three = self._convolutions()
        half, quarter = self.config.image_size // 2, self.config.image_size // 4
        segments.append(Segment("stem0", one.affine(source), half, self.stem_relus[0]))
        older = two.affine(AffineMap.identity(0, self.config.channels // 2))
        segments.append(Segment("stem1", older, quarter, self.stem_relus[1]))
        return older, three.affine(AffineMap.identity(1, self.config.channels))

    def _convolutions(self) -> list[ConvBN]:
        return [module for module in self.stem if isinstance(module, ConvBN)]
