from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image

from sphynx_trainer.data import DatasetError, FolderSplit, load_dataset
from sphynx_trainer.data.pictures import cover, random_window


def write_picture(path: Path, colour: tuple[int, int, int], size: tuple[int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def tiny_imagenet(tmp_path: Path) -> Path:
    """Two classes, red and blue, in the layout of Tiny-ImageNet."""
    colours = {"n02": (255, 0, 0), "n01": (0, 0, 255)}
    lines = []
    for name, colour in colours.items():
        for number in range(3):
            write_picture(tmp_path / f"train/{name}/images/{name}_{number}.png", colour, (64, 64))
        write_picture(tmp_path / f"val/images/{name}.png", colour, (64, 64))
        lines.append(f"{name}.png\t{name}\t0\t0\t9\t9")
    (tmp_path / "val/val_annotations.txt").write_text("\n".join(lines))
    (tmp_path / "wnids.txt").write_text("n02\nn01\n")
    (tmp_path / "words.txt").write_text("n01\tsea, ocean\nn02\tapple\nn03\tnothing\n")
    return tmp_path


def test_tiny_imagenet_is_read_class_by_class(tiny_imagenet: Path) -> None:
    dataset = load_dataset("tiny-imagenet", tiny_imagenet)
    assert dataset.classes == ("sea", "apple")
    images, labels = next(iter(dataset.train.batches(torch.tensor([5, 0]), 2)))
    assert labels.tolist() == [1, 0]
    assert images.shape == (2, 3, 64, 64)
    assert images[:, :, 0, 0].tolist() == [[255, 0, 0], [0, 0, 255]]
    assert dataset.test.labels.tolist() == [1, 0]


def test_a_class_without_pictures_is_refused(tiny_imagenet: Path) -> None:
    for file in (tiny_imagenet / "train/n01/images").iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match="holds no picture"):
        load_dataset("tiny-imagenet", tiny_imagenet)


def test_anyones_pictures_are_read_by_their_folders(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="train is missing"):
        load_dataset("folder-32", tmp_path)
    (tmp_path / "train").mkdir()
    with pytest.raises(DatasetError, match="has no folders"):
        load_dataset("folder-32", tmp_path)
    for name, colour in {"dog": (255, 0, 0), "cat": (0, 0, 255)}.items():
        for part in ("train", "test"):
            write_picture(tmp_path / part / name / "one.png", colour, (90, 50))
    dataset = load_dataset("folder-32", tmp_path)
    assert (dataset.classes, dataset.image_size) == (("cat", "dog"), 32)
    images, labels = next(iter(dataset.test.batches(torch.arange(2), 2)))
    assert images.shape == (2, 3, 32, 32)
    assert (images[1, :, 9, 9].tolist(), labels.tolist()) == ([255, 0, 0], [0, 1])


def test_imagenet_takes_its_names_from_the_mapping(tmp_path: Path) -> None:
    for part in ("train", "val"):
        write_picture(tmp_path / part / "n01/a.JPEG", (9, 9, 9), (300, 250))
        write_picture(tmp_path / part / "n02/b.JPEG", (9, 9, 9), (250, 300))
    (tmp_path / "LOC_synset_mapping.txt").write_text("n01 tench, Tinca tinca\nn02 goldfish\n")
    dataset = load_dataset("imagenet", tmp_path)
    assert dataset.classes == ("tench", "goldfish")
    images, _ = next(iter(dataset.test.batches(torch.arange(2), 2)))
    assert images.shape == (2, 3, 224, 224)


@pytest.fixture
def noisy(tmp_path: Path) -> Callable[[int], FolderSplit]:
    """Six pictures of noise under random crops, read by some workers."""
    random = np.random.default_rng(0)
    paths = tuple(str(tmp_path / f"{index}.png") for index in range(6))
    for path in paths:
        Image.fromarray(random.integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(path)
    return lambda workers: FolderSplit(paths, torch.arange(6), 16, scale=0.2, workers=workers)


def test_crops_depend_on_the_seed_and_not_on_the_workers(
    noisy: Callable[[int], FolderSplit],
) -> None:
    def read(workers: int, seed: int) -> torch.Tensor:
        batches = noisy(workers).batches(torch.arange(6), 4, seed)
        return torch.cat([images for images, _ in batches])

    assert torch.equal(read(0, 1), read(2, 1))
    assert not torch.equal(read(0, 1), read(0, 2))


def test_random_windows_stay_inside_and_differ() -> None:
    random = Random(0)
    windows = [random_window(40, 30, 0.08, random) for _ in range(200)]
    assert len(set(windows)) > 190
    for left, upper, right, lower in windows:
        assert 0 <= left < right <= 40
        assert 0 <= upper < lower <= 30
        assert (right - left) * (lower - upper) >= 0.08 * 40 * 30 * 0.999


def test_a_picture_is_cut_at_its_centre() -> None:
    assert cover(40, 30) == (5, 0, 35, 30)
