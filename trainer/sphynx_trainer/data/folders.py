"""Data sets of image files: Tiny-ImageNet and ImageNet, streamed from disk."""

import os
from collections.abc import Mapping
from pathlib import Path

import torch

from .dataset import Dataset, DatasetError, FolderSplit

PICTURES = {".jpeg", ".jpg", ".png"}
"""Names of picture files end so, in any case of letters."""
SMALLEST_CROP = 0.08
"""Share of an ImageNet picture's area that a training crop shows at least (Szegedy et al.)."""


def load_tiny_imagenet(folder: Path) -> Dataset:
    """Reads Tiny-ImageNet-200. Raises DatasetError where something is missing.

    The folder has train/WNID/images/*.JPEG, val/images/*.JPEG with val_annotations.txt, wnids.txt
    and words.txt.
    """
    identifiers = sorted(_text(folder / "wnids.txt").split())
    words = _words(folder / "words.txt")
    number = {identifier: index for index, identifier in enumerate(identifiers)}
    train = {name: folder / "train" / name / "images" for name in identifiers}
    annotations = [
        line.split("\t")[:2] for line in _text(folder / "val" / "val_annotations.txt").splitlines()
    ]
    unknown = {identifier for _, identifier in annotations} - set(number)
    if unknown:
        raise DatasetError(f"{folder}: val_annotations.txt names unknown classes {sorted(unknown)}")
    return Dataset(
        name="tiny-imagenet",
        classes=tuple(words.get(identifier, identifier) for identifier in identifiers),
        image_size=64,
        mean=(0.4802, 0.4481, 0.3975),
        std=(0.2770, 0.2691, 0.2821),
        train=_split(train, 64),
        test=FolderSplit(
            tuple(str(folder / "val" / "images" / file) for file, _ in annotations),
            torch.tensor([number[identifier] for _, identifier in annotations]),
            64,
            workers=_workers(),
        ),
        test_split="validation",
    )


def load_imagenet(folder: Path) -> Dataset:
    """Reads ImageNet (ILSVRC 2012). Raises DatasetError where something is missing.

    The folder has train/WNID/*.JPEG and val/WNID/*.JPEG. Class names come from
    LOC_synset_mapping.txt if it is there.
    """
    root = folder / "train"
    if not root.is_dir():
        raise DatasetError(
            f"{root} is missing. ImageNet must be asked for at https://image-net.org"
        )
    identifiers = sorted(path.name for path in root.iterdir() if path.is_dir())
    mapping = folder / "LOC_synset_mapping.txt"
    words = (
        dict(line.split(" ", 1) for line in _text(mapping).splitlines()) if mapping.exists() else {}
    )
    return Dataset(
        name="imagenet",
        classes=tuple(words.get(name, name).split(",")[0] for name in identifiers),
        image_size=224,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        train=_split({name: root / name for name in identifiers}, 224, SMALLEST_CROP),
        test=_split({name: folder / "val" / name for name in identifiers}, 224),
        test_split="validation",
    )


NORMALISATION = {
    32: ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    64: ((0.4802, 0.4481, 0.3975), (0.2770, 0.2691, 0.2821)),
    224: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Side of images -> mean and deviation as our models of that size have them."""


def load_folder(folder: Path, image_size: int) -> Dataset:
    """Anyone's pictures: train/CLASS/*.png and test/CLASS/*.png, or JPEG, of any size.

    They are cut square and resized. Raises DatasetError where something is missing.
    """
    root = folder / "train"
    if not root.is_dir():
        raise DatasetError(f"{root} is missing: it has a folder of pictures for every class")
    names = sorted(path.name for path in root.iterdir() if path.is_dir())
    if not names:
        raise DatasetError(f"{root} has no folders: it needs one of pictures for every class")
    mean, std = NORMALISATION[image_size]
    return Dataset(
        name=f"folder-{image_size}",
        classes=tuple(names),
        image_size=image_size,
        mean=mean,
        std=std,
        train=_split({name: root / name for name in names}, image_size),
        test=_split({name: folder / "test" / name for name in names}, image_size),
    )


def _split(folders: Mapping[str, Path], image_size: int, scale: float | None = None) -> FolderSplit:
    """One folder of pictures per class, in the order of the classes. Raises DatasetError."""
    paths: list[str] = []
    labels: list[int] = []
    for label, folder in enumerate(folders.values()):
        if not folder.is_dir():
            raise DatasetError(f"{folder} is missing: a folder of pictures of one class")
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
        if not files:
            raise DatasetError(f"{folder} holds no picture")
        paths += map(str, files)
        labels += [label] * len(files)
    return FolderSplit(tuple(paths), torch.tensor(labels), image_size, scale, _workers())


def _words(path: Path) -> dict[str, str]:
    """Identifier -> its first name."""
    pairs = (line.split("\t", 1) for line in _text(path).splitlines() if "\t" in line)
    return {identifier: names.split(",")[0] for identifier, names in pairs}


def _workers() -> int:
    """Decoding processes of one training process: its share of the cores."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return min(16, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def _text(path: Path) -> str:
    if not path.is_file():
        raise DatasetError(f"{path} is missing")
    return path.read_text()
