"""What a data set is: two splits, class names and how pixels are normalised."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .pictures import picture_batches


class DatasetError(Exception):
    """Data is missing or not in the expected layout."""


class Split(NamedTuple):
    """A split in memory. images: uint8 [N, 3, S, S]; labels: int64 [N]."""

    images: Tensor
    labels: Tensor

    def batches(self, indices: Tensor, size: int, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and labels at the indices, `size` at a time. There is no chance, so no seed."""
        for chosen in indices.split(size):
            yield self.images[chosen], self.labels[chosen]


@dataclass(frozen=True)
class FolderSplit:
    """A split that worker processes read from image files.

    paths: one file per image; labels: int64 [N]; scale: smallest share of a picture's area that
    a random crop shows, None for the whole picture, resized to cover a square and cut at its
    centre, which is what the client does with a user's picture.
    """

    paths: tuple[str, ...]
    labels: Tensor
    image_size: int
    scale: float | None = None
    workers: int = 0

    def batches(self, indices: Tensor, size: int, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """As of a Split. The crops depend on `seed` and the image alone, not on the workers."""
        for chosen, images in picture_batches(self, indices, size, seed):
            yield images, self.labels[chosen]


@dataclass(frozen=True)
class Dataset:
    """A classification data set and how its pixels (scaled to 0..1) are normalised.

    test_split: the authors' name of what `test` holds; the labels of some test sets are secret.
    """

    name: str
    classes: tuple[str, ...]
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    train: Split | FolderSplit
    test: Split | FolderSplit
    test_split: str = "test"

    @property
    def fingerprint(self) -> str:
        """The name with a digest of the training labels, which tells data sets of a name apart."""
        labels = self.train.labels.numpy().tobytes()
        return f"{self.name}-{hashlib.sha256(labels).hexdigest()[:8]}"

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 [N, 3, S, S] -> float32, zero mean and unit variance per channel."""
        mean = torch.tensor(self.mean, device=images.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(1, 3, 1, 1)
        return (images.float() / 255 - mean) / std

    def sample(self, count: int) -> Tensor:
        """Training images at random, always the same, normalised; fewer if there are fewer."""
        order = torch.randperm(len(self.train.labels), generator=torch.Generator().manual_seed(0))
        images, _ = next(self.train.batches(order[:count], count))
        return self.normalise(images)
