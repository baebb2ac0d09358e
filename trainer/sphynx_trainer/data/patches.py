"""Images of a batch that show parts of each other (CutMix, Yun et al., ICCV 2019)."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Patch:
    """A rectangle in which each of N images shows another one of them.

    partners: which one, [N]; rows, columns: the rectangle, the same in all images; share: of an
    image's pixels that are its partner's.
    """

    partners: Tensor
    rows: slice
    columns: slice
    share: float

    @classmethod
    def draw(cls, count: int, size: int) -> Self:
        """Draws partners and a rectangle of any area for images of `size` x `size` pixels.

        Draws from PyTorch's generator, whose state a checkpoint keeps.
        """
        partners = torch.randperm(count)
        area, top, left = torch.rand(3).tolist()
        side = round(size * area**0.5)
        rows = _placed(side, top, size)
        columns = _placed(side, left, size)
        return cls(partners, rows, columns, side * side / (size * size))

    def apply(self, images: Tensor) -> Tensor:
        """The images [N, C, S, S] with the rectangle of their partners."""
        mixed = images.clone()
        patches = images[..., self.rows, self.columns]
        mixed[..., self.rows, self.columns] = patches[self.partners.to(images.device)]
        return mixed


def _placed(side: int, where: float, size: int) -> slice:
    """A side of the rectangle, as far along an image's edge as `where` in 0..1 says."""
    start = int(where * (size - side + 1))
    return slice(start, start + side)
