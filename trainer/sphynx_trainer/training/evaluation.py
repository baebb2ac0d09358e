"""Top-1 accuracy."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from ..data import Dataset, FolderSplit, Split
from .execution import Execution

BATCH = 250


@torch.no_grad()
def evaluate(
    classify: Callable[[Tensor], Tensor],
    dataset: Dataset,
    split: Split | FolderSplit,
    precision: str = "fp32",
    execution: Execution | None = None,
    indices: Tensor | None = None,
) -> float:
    """Share of the split's images whose largest logit is the right class.

    classify: normalised images [N, 3, S, S] -> logits; a module must be in evaluation mode.
    indices: of the images that count, in place of all.
    All processes of the execution must call this; each measures its part.
    """
    place = execution or Execution()
    chosen = torch.arange(len(split.labels)) if indices is None else indices
    hits = 0
    for images, labels in split.batches(place.share(chosen), BATCH):
        normalised = dataset.normalise(images.to(place.device, non_blocking=True))
        with autocast(precision, place.device.type):
            logits = classify(normalised.contiguous(memory_format=torch.channels_last))
        hits += int((logits.argmax(1).cpu() == labels).sum())
    return place.total([hits])[0] / len(chosen)


def autocast(precision: str, device: str = "cpu") -> AbstractContextManager[object]:
    """The arithmetic of a recipe: fp32, bf16 for convolutions, or auto. Raises ValueError."""
    if precision == "auto":
        precision = usual_precision(device)
    if precision == "fp32":
        return nullcontext()
    if precision == "bf16":
        return torch.autocast(device, torch.bfloat16)
    raise ValueError(f"unknown precision {precision!r}; expected fp32, bf16 or auto")


def usual_precision(device: str) -> str:
    """bf16 where the hardware multiplies it, which is all that can be told without measuring."""
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "fp32"
