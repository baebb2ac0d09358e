"""What an epoch adds up for the log."""

import time
from dataclasses import dataclass

from torch import Tensor


@dataclass
class Totals:
    """Sums over the batches of an epoch.

    loss: weighted by the images of a batch; seconds, cpu_seconds: by the clock and of this
    process's processor time, both without the time between an interruption and its resumption;
    teacher_seconds: that part of the processor time in which teachers computed logits.
    """

    images: int = 0
    loss: float = 0.0
    hits: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    teacher_seconds: float = 0.0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Takes in one batch."""
        self.images += len(labels)
        self.loss += loss.item() * len(labels)
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
