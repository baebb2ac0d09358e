"""Flips and padded crops of a whole batch at once (table 7 of the Sphynx paper)."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Shifts:
    """How each of N images is shown. mirrored: bool [N]; top, left: the crop's corner, [N].

    padding: pixels of zeros around an image before the crop.
    """

    mirrored: Tensor
    top: Tensor
    left: Tensor
    padding: int

    @classmethod
    def draw(cls, count: int, padding: int, generator: Generator) -> Self:
        """Mirrors half of the images and shifts each by up to `padding` pixels.

        The generator is the CPU's, so that one seed means the same on every device.
        """
        mirrored = torch.rand(count, generator=generator) < 0.5
        top, left = torch.randint(2 * padding + 1, (2, count), generator=generator)
        return cls(mirrored, top, left, padding)

    def of(self, indices: Tensor) -> "Shifts":
        """Those of some of the images."""
        return Shifts(self.mirrored[indices], self.top[indices], self.left[indices], self.padding)

    def apply(self, images: Tensor) -> Tensor:
        """The images [N, C, S, S] as they are shown.

        Zeros enter from outside: the mean colour, if the images are normalised.
        """
        size, device = images.shape[-1], images.device
        mirrored = self.mirrored.to(device).view(-1, 1, 1, 1)
        images = torch.where(mirrored, images.flip(-1), images)
        if self.padding == 0:
            return images
        windows = F.pad(images, [self.padding] * 4).unfold(2, size, 1).unfold(3, size, 1)
        numbers = torch.arange(len(images), device=device)
        return windows[numbers, :, self.top.to(device), self.left.to(device)]


def halved(images: Tensor) -> Tensor:
    """The images [N, C, S, S] at half the size, S even: means over 2x2 pixels."""
    return F.avg_pool2d(images, kernel_size=2)


def flip_and_crop(images: Tensor, padding: int, generator: Generator) -> Tensor:
    """Mirrors half of the images [N, C, S, S] and shifts each by up to `padding` pixels."""
    return Shifts.draw(len(images), padding, generator).apply(images)
