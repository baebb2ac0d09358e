from pathlib import Path

import numpy as np
import pytest
import torch

from sphynx_trainer.data import DatasetError, load_dataset, synthetic
from sphynx_trainer.data.augmentation import flip_and_crop
from sphynx_trainer.data.cifar import load_cifar10, load_cifar100, read_records


def write_records(path: Path, labels: list[int]) -> np.ndarray:
    """Writes CIFAR-100 records with random pixels, which are returned."""
    pixels = np.random.default_rng(0).integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    head = np.array([[7, label] for label in labels], dtype=np.uint8)
    np.concatenate([head, pixels], axis=1).tofile(path)
    return pixels.reshape(-1, 3, 32, 32)


def test_a_binary_file_is_read_into_fine_labels_and_planes(tmp_path: Path) -> None:
    pixels = write_records(tmp_path / "few.bin", [3, 99, 0])
    split = read_records(tmp_path / "few.bin", 3, classes=100)
    assert split.labels.tolist() == [3, 99, 0]
    assert torch.equal(split.images, torch.from_numpy(pixels))


def test_a_file_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    write_records(tmp_path / "few.bin", [1, 2])
    with pytest.raises(DatasetError, match="expected 3 records of 3074 bytes, got 6148"):
        read_records(tmp_path / "few.bin", 3, classes=100)


def test_a_label_outside_the_classes_is_refused(tmp_path: Path) -> None:
    write_records(tmp_path / "few.bin", [100])
    with pytest.raises(DatasetError, match="label 100"):
        read_records(tmp_path / "few.bin", 1, classes=100)


def test_cifar_10_joins_its_five_batches(tmp_path: Path) -> None:
    names = [f"data_batch_{part}.bin" for part in range(1, 6)] + ["test_batch.bin"]
    for label, name in enumerate(names):
        records = np.zeros((10_000, 3073), dtype=np.uint8)
        records[:, 0] = label
        records.tofile(tmp_path / name)
    (tmp_path / "batches.meta.txt").write_text("\n".join(f"class{i}" for i in range(10)) + "\n\n")
    dataset = load_cifar10(tmp_path)
    assert torch.bincount(dataset.train.labels).tolist() == [10_000] * 5
    assert dataset.test.labels.unique().tolist() == [5]


def test_missing_data_says_what_to_download(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="--data"):
        load_cifar100(tmp_path)
    with pytest.raises(DatasetError, match="--data DIR"):
        load_dataset("cifar100", None)


def test_normalised_pixels_have_the_stated_mean_and_deviation() -> None:
    dataset = synthetic()
    black = dataset.normalise(torch.zeros(1, 3, 2, 2, dtype=torch.uint8))
    assert torch.equal(black, torch.full((1, 3, 2, 2), -2.0))


def test_augmentation_shifts_and_mirrors_each_image_by_itself() -> None:
    image = torch.arange(1.0, 17.0).view(1, 1, 4, 4).expand(64, -1, -1, -1)
    result = flip_and_crop(image, 1, torch.Generator().manual_seed(0))
    variants = {tuple(one.flatten().tolist()) for one in result}
    padded = [torch.nn.functional.pad(side, [1] * 4) for side in (image[0], image[0].flip(-1))]
    allowed = {
        tuple(side[:, y : y + 4, x : x + 4].flatten().tolist())
        for side in padded
        for y in range(3)
        for x in range(3)
    }
    assert variants <= allowed
    assert len(variants) > 9


def test_augmentation_repeats_with_its_seed() -> None:
    images = torch.randn(8, 3, 8, 8)
    first, second = (flip_and_crop(images, 2, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, second)
