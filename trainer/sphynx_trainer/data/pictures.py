"""Pictures from disk: decoded and cropped by worker processes, one batch after another."""

from collections.abc import Iterator
from math import exp, log, sqrt
from random import Random
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

ASPECT = 4 / 3
"""Widest (and, turned, narrowest) window of a random crop, as in Szegedy et al., CVPR'15."""
ATTEMPTS = 10
"""Windows drawn before the whole picture is taken."""

Box = tuple[float, float, float, float]
"""Left, upper, right and lower edge, in pixels."""


class PictureFiles(Protocol):
    """The part of a split that reading its pictures takes, as `FolderSplit` describes it."""

    @property
    def paths(self) -> tuple[str, ...]:
        """One file per image."""

    @property
    def image_size(self) -> int:
        """Rows and columns of a picture as it is read."""

    @property
    def scale(self) -> float | None:
        """The smallest share of a picture's area in a random crop, or None for no such crop."""

    @property
    def workers(self) -> int:
        """Processes that read; 0 for this one."""


def picture_batches(
    split: PictureFiles, indices: Tensor, size: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields indices [n] and their pictures, uint8 [n, 3, S, S]."""
    loader = DataLoader(
        _Pictures(split, seed),
        batch_sampler=[chosen.tolist() for chosen in indices.split(size)],
        # Its own, or the loader would draw from the one that the training resumes.
        generator=Generator().manual_seed(seed),
        num_workers=split.workers,
        pin_memory=torch.cuda.is_available(),
    )
    yield from zip(indices.split(size), loader, strict=True)


class _Pictures(TorchDataset[Tensor]):
    """The pictures of a split, each under one random crop per seed."""

    def __init__(self, split: PictureFiles, seed: int) -> None:
        self.split = split
        self.seed = seed

    def __getitem__(self, index: int) -> Tensor:
        split = self.split
        with Image.open(split.paths[index]) as file:
            picture = file.convert("RGB")
        box = cover(picture.width, picture.height)
        if split.scale is not None:
            random = Random(self.seed * 1_000_003 + index)
            box = random_window(picture.width, picture.height, split.scale, random)
        side = split.image_size
        if (picture.width, picture.height) != (side, side) or split.scale is not None:
            picture = picture.resize((side, side), Image.Resampling.BILINEAR, box)
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def cover(width: int, height: int) -> Box:
    """The largest square in the middle of a picture."""
    side = min(width, height)
    left, upper = (width - side) / 2, (height - side) / 2
    return left, upper, left + side, upper + side


def random_window(width: int, height: int, smallest: float, random: Random) -> Box:
    """A window of `smallest` to all of the picture's area, its aspect between 3/4 and 4/3."""
    for _ in range(ATTEMPTS):
        area = random.uniform(smallest, 1) * width * height
        aspect = exp(random.uniform(-log(ASPECT), log(ASPECT)))
        wide, high = sqrt(area * aspect), sqrt(area / aspect)
        if wide <= width and high <= height:
            left, upper = random.uniform(0, width - wide), random.uniform(0, height - high)
            return left, upper, left + wide, upper + high
    return cover(width, height)
