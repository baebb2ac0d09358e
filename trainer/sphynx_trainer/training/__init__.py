"""Training: a run in a folder, on one processor or several."""

from .loop import train
from .run import Run

__all__ = ["Run", "train"]
