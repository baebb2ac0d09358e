"""CIFAR-10 and CIFAR-100 (Krizhevsky) in the official binary layout."""

from pathlib import Path

import numpy as np
import torch

from .dataset import Dataset, DatasetError, Split

SIZE = 32
PLANES = 3 * SIZE**2
"""Bytes of an image: red, green and blue planes, row by row."""
PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"


def load_cifar10(folder: Path) -> Dataset:
    """CIFAR-10: data_batch_1.bin to data_batch_5.bin, test_batch.bin, batches.meta.txt.

    Raises DatasetError where a file is missing or has the wrong size or labels.
    """
    parts = [
        read_records(folder / f"data_batch_{part}.bin", 10_000, classes=10) for part in range(1, 6)
    ]
    return Dataset(
        name="cifar10",
        classes=_class_names(folder / "batches.meta.txt", 10),
        image_size=SIZE,
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2470, 0.2435, 0.2616),
        train=Split(
            torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts])
        ),
        test=read_records(folder / "test_batch.bin", 10_000, classes=10),
    )


def load_cifar100(folder: Path) -> Dataset:
    """CIFAR-100: train.bin, test.bin, fine_label_names.txt. Raises as load_cifar10."""
    return Dataset(
        name="cifar100",
        classes=_class_names(folder / "fine_label_names.txt", 100),
        image_size=SIZE,
        mean=(0.5071, 0.4865, 0.4409),
        std=(0.2673, 0.2564, 0.2762),
        train=read_records(folder / "train.bin", 50_000, classes=100),
        test=read_records(folder / "test.bin", 10_000, classes=100),
    )


def read_records(path: Path, records: int, classes: int) -> Split:
    """Reads one file of records. Raises DatasetError.

    A record has the label's byte, of CIFAR-100 a coarse label's byte before it, and the planes.
    """
    labels_before = 2 if classes == 100 else 1
    record = labels_before + PLANES
    size = _require(path).stat().st_size
    if size != records * record:
        raise DatasetError(
            f"{path}: expected {records} records of {record} bytes, got {size} bytes"
        )
    table = np.fromfile(path, dtype=np.uint8).reshape(records, record)
    labels = torch.from_numpy(table[:, labels_before - 1].astype(np.int64))
    if int(labels.max()) >= classes:
        raise DatasetError(f"{path}: label {int(labels.max())} is outside 0..{classes - 1}")
    images = table[:, labels_before:].reshape(records, 3, SIZE, SIZE)
    return Split(torch.from_numpy(np.ascontiguousarray(images)), labels)


def _class_names(path: Path, classes: int) -> tuple[str, ...]:
    names = tuple(_require(path).read_text().split())
    if len(names) != classes:
        raise DatasetError(f"{path}: expected {classes} names, got {len(names)}")
    return names


def _require(path: Path) -> Path:
    if not path.is_file():
        raise DatasetError(
            f"{path} is missing. Unpack the binary version of CIFAR ({PAGE}) and pass its folder "
            "as --data, or fetch it there with --download."
        )
    return path
