"""Data sets, whole in memory as bytes."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

CIFAR_SIZE = 32
CIFAR100_RECORD = 2 + 3 * CIFAR_SIZE**2
"""Bytes of a CIFAR-100 record: coarse label, fine label, red, green and blue planes."""
CIFAR100_RECORDS = {"train.bin": 50_000, "test.bin": 10_000}


class DatasetError(Exception):
    """Data is missing or not in the expected layout."""


class Split(NamedTuple):
    """images: uint8 [N, 3, S, S]; labels: int64 [N]."""

    images: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Dataset:
    """A classification data set and how its pixels (scaled to 0..1) are normalised."""

    name: str
    classes: tuple[str, ...]
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    train: Split
    test: Split

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 [N, 3, S, S] -> float32, zero mean and unit variance per channel."""
        mean = torch.tensor(self.mean).view(1, 3, 1, 1)
        std = torch.tensor(self.std).view(1, 3, 1, 1)
        return (images.float() / 255 - mean) / std


def load_cifar100(folder: Path) -> Dataset:
    """CIFAR-100 in the official binary layout: train.bin, test.bin, fine_label_names.txt.

    Raises DatasetError where a file is missing or has the wrong size or labels.
    """
    labels = _require(folder / "fine_label_names.txt")
    names = labels.read_text().split()
    if len(names) != 100:
        raise DatasetError(f"{labels}: expected 100 names, got {len(names)}")
    return Dataset(
        name="cifar100",
        classes=tuple(names),
        image_size=CIFAR_SIZE,
        mean=(0.5071, 0.4865, 0.4409),
        std=(0.2673, 0.2564, 0.2762),
        train=read_cifar100_split(folder / "train.bin", CIFAR100_RECORDS["train.bin"]),
        test=read_cifar100_split(folder / "test.bin", CIFAR100_RECORDS["test.bin"]),
    )


def read_cifar100_split(path: Path, records: int) -> Split:
    """One file of CIFAR-100 records, with their fine labels. Raises DatasetError."""
    size = _require(path).stat().st_size
    if size != records * CIFAR100_RECORD:
        raise DatasetError(
            f"{path}: expected {records} records of {CIFAR100_RECORD} bytes, got {size} bytes"
        )
    table = np.fromfile(path, dtype=np.uint8).reshape(records, CIFAR100_RECORD)
    labels = torch.from_numpy(table[:, 1].astype(np.int64))
    if int(labels.max()) > 99:
        raise DatasetError(f"{path}: fine label {int(labels.max())} is outside 0..99")
    images = table[:, 2:].reshape(records, 3, CIFAR_SIZE, CIFAR_SIZE)
    return Split(torch.from_numpy(np.ascontiguousarray(images)), labels)


def synthetic(*, classes: int = 10, image_size: int = 32, records: int = 256) -> Dataset:
    """A small learnable data set: each class is one random pattern under noise."""
    generator = torch.Generator().manual_seed(0)
    patterns = torch.rand(classes, 3, image_size, image_size, generator=generator)

    def draw(count: int) -> Split:
        labels = torch.arange(count) % classes
        noise = torch.rand(count, 3, image_size, image_size, generator=generator)
        images = (0.7 * patterns[labels] + 0.3 * noise) * 255
        return Split(images.to(torch.uint8), labels)

    return Dataset(
        name="synthetic",
        classes=tuple(f"pattern{index}" for index in range(classes)),
        image_size=image_size,
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        train=draw(records),
        test=draw(records // 2),
    )


def load_dataset(name: str, folder: Path | None) -> Dataset:
    """The named data set; `folder` holds its files. Raises DatasetError."""
    if name == "synthetic":
        return synthetic()
    if name == "cifar100":
        if folder is None:
            raise DatasetError("cifar100 needs --data DIR with train.bin, test.bin and labels")
        return load_cifar100(folder)
    raise DatasetError(f"unknown data set {name!r}; known: {', '.join(DATASETS)}")


DATASETS = ("cifar100", "synthetic")


def _require(path: Path) -> Path:
    if not path.is_file():
        raise DatasetError(
            f"{path} is missing. Unpack the binary version of CIFAR-100 "
            "(https://www.cs.toronto.edu/~kriz/cifar.html) and pass its folder as --data."
        )
    return path
