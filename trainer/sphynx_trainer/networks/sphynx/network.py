"""Sphynx for CIFAR-100 and Tiny-ImageNet: the stem is one convolution (section 4.1)."""

from torch import Tensor

from .affine import IMAGE, AffineMap
from .cell_network import NEWER, OLDER, CellNetwork, Segment, SphynxConfig, pad
from .convolutions import ConvBN
from .margins import crop, needed, widest

__all__ = ["SphynxConfig", "SphynxNetwork"]


class SphynxNetwork(CellNetwork):
    """A trainable Sphynx network; both inputs of its first cell are the stem's output."""

    def _add_stem(self) -> None:
        self.stem = ConvBN(3, self.config.stem_channels, size=3)

    def _stem_patches(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The stem's output, continued beyond the border as its response to the padded image."""
        older, newer = self.margins[OLDER], self.margins[NEWER]
        have = widest((older, newer))
        patch = self.stem(pad(images, needed(have, self.stem.reach, self.stem.stride)))
        return crop(patch, have, older), crop(patch, have, newer)

    def _stem_maps(self, segments: list[Segment]) -> tuple[AffineMap, AffineMap]:
        stem = self.stem.affine(AffineMap.identity(IMAGE, 3))
        return stem, stem
