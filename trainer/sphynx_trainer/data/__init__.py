"""Image classification data sets: small ones whole in memory, large ones streamed from disk."""

from .dataset import Dataset, DatasetError, FolderSplit, Split
from .registry import DATASETS, load_dataset
from .synthetic import synthetic

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetError",
    "FolderSplit",
    "Split",
    "load_dataset",
    "synthetic",
]
