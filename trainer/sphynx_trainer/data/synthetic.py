"""Data for trials and tests."""

import torch

from .dataset import Dataset, Split


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
