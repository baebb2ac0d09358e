"""Checkpoints: everything that a run needs to continue or to be exported."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from .datasets import Dataset
from .networks.families import config_from_json, config_to_json
from .networks.sphynx import SphynxConfig, SphynxNetwork
from .recipes import Recipe

CHECKPOINT = "checkpoint.pt"
"""The file's name in the folder of a run."""


@dataclass
class Checkpoint:
    """The state after `epoch` finished epochs."""

    config: SphynxConfig
    recipe: Recipe
    dataset: str
    epoch: int
    network: dict[str, Any]
    optimizer: dict[str, Any]
    auxiliary: dict[str, Any] | None = None

    def save(self, path: Path) -> None:
        """Replaces the file in one step, so that an interrupted write never loses the last one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        recipe = asdict(self.recipe)
        content = {**vars(self), "config": config_to_json(self.config), "recipe": recipe}
        torch.save(content, partial)
        os.replace(partial, path)

    def build_network(self) -> SphynxNetwork:
        """The network with the saved weights, in the memory format that trains fastest."""
        network = SphynxNetwork(self.config).to(memory_format=torch.channels_last)
        network.load_state_dict(self.network)
        return network

    @staticmethod
    def load(path: Path) -> "Checkpoint":
        """Reads a checkpoint. Runs no code from the file."""
        content = torch.load(path, map_location="cpu", weights_only=True)
        content["config"] = config_from_json(content["config"])
        content["recipe"] = Recipe(**content["recipe"])
        return Checkpoint(**content)


def load_checkpoint(folder: Path, dataset: Dataset) -> Checkpoint:
    """The last checkpoint of the run in `folder`, which must have been trained on `dataset`.

    Raises FileNotFoundError without a checkpoint, ValueError for another data set.
    """
    saved = Checkpoint.load(folder / CHECKPOINT)
    if saved.dataset != dataset.name:
        raise ValueError(f"{folder} was trained on {saved.dataset}, not on {dataset.name}")
    return saved
