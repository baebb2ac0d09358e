"""Data sets by name."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from .archives import ARCHIVES, download
from .cifar import load_cifar10, load_cifar100
from .dataset import Dataset, DatasetError
from .folders import NORMALISATION, load_folder, load_imagenet, load_tiny_imagenet
from .synthetic import synthetic

READERS: dict[str, Callable[[Path], Dataset]] = {
    "cifar10": load_cifar10,
    "cifar100": load_cifar100,
    "tiny-imagenet": load_tiny_imagenet,
    "imagenet": load_imagenet,
    **{f"folder-{size}": partial(load_folder, image_size=size) for size in NORMALISATION},
}
DATASETS = (*READERS, "synthetic")
"""Every name that load_dataset knows."""


def load_dataset(name: str, folder: Path | None, *, fetch: bool = False) -> Dataset:
    """The named data set from the files in `folder`, downloaded into it first with `fetch`.

    Raises DatasetError where files are missing or damaged, or no public archive exists.
    """
    if name == "synthetic":
        return synthetic()
    if name not in READERS:
        raise DatasetError(f"unknown data set {name!r}; known: {', '.join(DATASETS)}")
    if folder is None:
        raise DatasetError(f"{name} needs --data DIR, the folder of its files")
    if fetch:
        if name not in ARCHIVES:
            raise DatasetError(f"{name} has no archive that anyone may download")
        download(ARCHIVES[name], folder)
    return READERS[name](folder)
