"""What an epoch adds up for the log."""

import time
from dataclasses import dataclass

from torch import Tensor


@dataclass
class Totals:
    """Sums over the batches of an epoch.

    loss: weighted by the images of a batch; hits: images whose class was right, of the `whole`
    ones that were not mixed; seconds, cpu_seconds: by the clock and of this process's processor
    time, both without the time between an interruption and its resumption; teacher_seconds: that
    part of the processor time in which teachers computed logits; skipped: steps that were left
    out, for their gradients were not finite, and count for nothing else.
    """

    images: int = 0
    loss: float = 0.0
    hits: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    teacher_seconds: float = 0.0
    skipped: int = 0
    whole: int = 0

    @property
    def mean_loss(self) -> float:
        """The loss of an image; no number before the first step that counts."""
        return self.loss / self.images if self.images else float("nan")

    def describe_skipped(self) -> str:
        """What to tell people about skipped steps; empty where there are none."""
        if not self.skipped:
            return ""
        return f"  skipped {self.skipped} without finite gradients"

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor, *, mixed: bool) -> None:
        """Takes in one batch. mixed: its images show rectangles of each other."""
        self.images += len(labels)
        self.loss += loss.item() * len(labels)
        if not mixed:
            self.whole += len(labels)
            self.hits += int((logits.argmax(1) == labels).sum())


class Clock:
    """Adds the time that passes to an epoch's totals."""

    def __init__(self) -> None:
        self._seconds, self._cpu_seconds = time.monotonic(), time.process_time()

    def charge(self, totals: Totals) -> None:
        """Charges what passed since the last call, or since the clock was made."""
        seconds, cpu_seconds = time.monotonic(), time.process_time()
        totals.seconds += seconds - self._seconds
        totals.cpu_seconds += cpu_seconds - self._cpu_seconds
        self._seconds, self._cpu_seconds = seconds, cpu_seconds
