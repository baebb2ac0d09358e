"""Checkpoints: everything that a run needs to continue or to be exported."""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Self

import torch

from ..data import Dataset
from ..networks.activations.install_masks import install_masks
from ..networks.base.classifier import Classifier
from ..networks.families import Config, build, config_from_json, config_to_json
from .recipe import Recipe

CHECKPOINT = "checkpoint.pt"
"""The file's name in the folder of a run."""


@dataclass
class Checkpoint:
    """The state after `epoch` finished epochs and `batch` batches more.

    network, auxiliary, average: state dicts, the last of the moving average of the network;
    teachers: as the command line named them; earlier: the recipes of the runs that the weights
    come from, the first one first, each with its finished epochs; extra: what a command adds.
    batch: batches done of the epoch after; totals: their sums for the log, as training.totals
    keeps them; random: the state of torch's generator after them, None between epochs. seconds: of
    training by the clock in all finished epochs.
    """

    config: Config
    recipe: Recipe
    dataset: str
    epoch: int
    network: dict[str, Any]
    optimizer: dict[str, Any]
    auxiliary: dict[str, Any] | None = None
    average: dict[str, Any] | None = None
    teachers: list[str] = field(default_factory=list)
    earlier: list[dict[str, Any]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    batch: int = 0
    totals: dict[str, Any] = field(default_factory=dict)
    random: torch.Tensor | None = None
    seconds: float = 0.0

    @property
    def history(self) -> list[dict[str, Any]]:
        """What is `earlier` for a run that goes on from here."""
        own = {**asdict(self.recipe), **self.effort}
        if self.teachers:
            own["teachers"] = [Path(name).name for name in self.teachers]
        return [*self.earlier, own]

    @property
    def effort(self) -> dict[str, Any]:
        """What the run has cost, as manifests say it."""
        hours = {"hours": round(self.seconds / 3600, 2)} if self.seconds else {}
        return {"epochsTrained": self.epoch, **hours}

    def save(self, path: Path) -> None:
        """Replaces the file in one step, so that an interrupted write never loses the last one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        recipe = asdict(self.recipe)
        content = {**vars(self), "config": config_to_json(self.config), "recipe": recipe}
        torch.save(content, partial)
        os.replace(partial, path)

    def build_network(self, *, averaged: bool = True) -> Classifier:
        """The network with the saved weights and masks.

        averaged: with the moving average of the weights, if there is one.
        """
        state = self.average if averaged and self.average else self.network
        network = build(self.config)
        install_masks(network, state)
        network.load_state_dict(state)
        return network

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a checkpoint. Runs no code from the file. Raises OSError, ValueError."""
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            content["config"] = config_from_json(content["config"])
            content["recipe"] = Recipe.from_json(content["recipe"])
            return cls(**content)
        except (UnpicklingError, RuntimeError, EOFError, LookupError, TypeError) as error:
            raise ValueError(f"{path} is not a checkpoint of a run") from error


def load_checkpoint(folder: Path, dataset: Dataset) -> Checkpoint:
    """The last checkpoint of the run in `folder`, which must have been trained on `dataset`.

    Raises FileNotFoundError without a checkpoint, ValueError for another data set.
    """
    saved = Checkpoint.load(folder / CHECKPOINT)
    if saved.dataset != dataset.name:
        raise ValueError(f"{folder} was trained on {saved.dataset}, not on {dataset.name}")
    return saved
