"""Teachers' logits on disk, for a fixed number of ways to show every training image."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from ...data.augmentation import Shifts
from .teacher import Teacher

VIEW_SEED = 7_919
"""Views are drawn from it and their number alone, so that all runs share their teachers' logits."""


def shifts_of_view(view: int, images: int, padding: int) -> Shifts:
    """How the view with that number shows every image."""
    return Shifts.draw(images, padding, Generator().manual_seed(VIEW_SEED + view))


@dataclass(frozen=True)
class LogitsOnDisk:
    """The logits of some teachers for the views of a training split of `images` images.

    Each teacher has a file per view, [images, classes] in float16, in which NaN marks images
    that it has not seen yet. Processes may share the folder: at worst both compute the same row.
    dataset: its fingerprint.
    """

    folder: Path
    dataset: str
    images: int
    classes: int
    padding: int

    def logits(
        self,
        teachers: Sequence[Teacher],
        view: int,
        indices: Tensor,
        compute: Callable[[Teacher, Tensor], Tensor],
    ) -> Tensor:
        """The logits [teachers, N, classes] of the images with the given indices.

        compute: (teacher, positions) -> its logits of the images at these places of `indices`.
        """
        rows = indices.numpy()
        found = []
        for teacher in teachers:
            table = self._table(teacher, view)
            missing = np.flatnonzero(np.isnan(table[rows, 0]))
            if len(missing):
                fresh = compute(teacher, torch.from_numpy(missing))
                table[rows[missing]] = fresh.float().cpu().numpy().astype(np.float16)
            found.append(torch.from_numpy(table[rows].astype(np.float32)))
        return torch.stack(found)

    def _table(self, teacher: Teacher, view: int) -> np.memmap:
        """The teacher's file of a view, created where there is none."""
        name = f"{self.dataset}-{teacher.fingerprint}-crop{self.padding}-view{view}.f16"
        path, shape = self.folder / name, (self.images, self.classes)
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{name}.{os.getpid()}.partial")
            np.full(shape, np.nan, np.float16).tofile(partial)
            with suppress(FileExistsError):
                os.link(partial, path)
            partial.unlink()
        return np.memmap(path, np.float16, "r+", shape=shape)
