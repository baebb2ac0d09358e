"""Data sets whose best architecture is known."""

import torch

from sphynx_trainer.data import Dataset, Split


def distant_twins(distance: int, records: int, image_size: int = 16) -> Dataset:
    """Class 0: pixels agree with those `distance` columns on; class 1: with those as many rows on.

    Everything nearer is independent noise, so no smaller window tells the classes apart.
    """
    generator = torch.Generator().manual_seed(0)

    def draw(count: int) -> Split:
        labels = torch.arange(count) % 2
        noise = torch.randint(0, 2, (count, 3, image_size, image_size), generator=generator)
        twins = torch.stack((noise.roll(distance, 3), noise.roll(distance, 2)))
        images = noise + twins[labels, torch.arange(count)]
        return Split((images * 127).to(torch.uint8), labels)

    return Dataset(
        name="distant-twins",
        classes=("columns", "rows"),
        image_size=image_size,
        mean=(0.5, 0.5, 0.5),
        std=(0.35, 0.35, 0.35),
        train=draw(records),
        test=draw(records // 2),
    )
