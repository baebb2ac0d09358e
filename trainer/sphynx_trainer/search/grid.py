"""Trains a network for every placement of the reduce cells, to judge a search by (figure 5)."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..data import Dataset
from ..networks.sphynx.cell_network import SphynxConfig
from ..training import Run, train
from ..training.checkpoint import CHECKPOINT
from ..training.evaluation import evaluate
from ..training.execution import Execution
from ..training.recipe import Recipe
from .locations import Placement, placement_name


def train_grid(
    config: SphynxConfig,
    places: Sequence[Placement],
    recipe: Recipe,
    dataset: Dataset,
    folder: Path,
    execution: Execution,
) -> list[float]:
    """Test accuracy in percent per placement. Finished runs in `folder` are not repeated."""
    accuracies = []
    for place in places:
        home = folder / placement_name(place)
        if (home / CHECKPOINT).exists():
            run = Run.resume(dataset, home, execution)
        else:
            run = Run.start(replace(config, reduce=place), recipe, dataset, home, execution)
        train(run, evaluate_every=recipe.epochs)
        accuracy = evaluate(run.best_network, dataset, dataset.test, execution=execution)
        accuracies.append(100 * accuracy)
    return accuracies
