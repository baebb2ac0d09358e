"""Top-1 accuracy."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from .datasets import Dataset, Split

BATCH = 250


@torch.no_grad()
def evaluate(
    classify: Callable[[Tensor], Tensor], dataset: Dataset, split: Split, precision: str = "fp32"
) -> float:
    """Share of the split's images whose largest logit is the right class.

    classify: normalised images [N, 3, S, S] -> logits; a module must be in evaluation mode.
    """
    hits = 0
    for images, labels in zip(split.images.split(BATCH), split.labels.split(BATCH), strict=True):
        normalised = dataset.normalise(images).contiguous(memory_format=torch.channels_last)
        with autocast(precision):
            hits += int((classify(normalised).argmax(1) == labels).sum())
    return hits / len(split.labels)


def autocast(precision: str) -> AbstractContextManager[object]:
    """The arithmetic of a recipe: fp32, or bf16 for convolutions. Raises ValueError."""
    if precision == "fp32":
        return nullcontext()
    if precision == "bf16":
        return torch.autocast("cpu", torch.bfloat16)
    raise ValueError(f"unknown precision {precision!r}; expected fp32 or bf16")
