"""Search the places of the reduce cells by Gumbel-softmax."""

import argparse
import json
from pathlib import Path

import torch

from ...data import Dataset
from ...networks.sphynx.cell_network import SphynxConfig
from ...networks.sphynx.genotype import find_genotype
from ...search.bilevel import BilevelSearch
from ...search.drawing import PicturesUnavailableError, draw_locations
from ...search.grid import train_grid
from ...search.locations import LocationNetwork, Placement, placement_name, placements
from ...search.recipe import LOCATIONS
from ...search.table import append_row
from ...training.execution import Execution
from ...training.recipes import PAPER
from ..options.data import chosen_dataset
from ..options.search import add_search_arguments, chosen_execution, chosen_recipe

RESULT = "locations.json"
LOG = "beta.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    add_search_arguments(parser)
    parser.add_argument("--channels", type=int, default=5, metavar="C")
    parser.add_argument("--depth", type=int, default=5, metavar="D")
    parser.add_argument("--reduce-cells", type=int, default=2, metavar="COUNT")
    parser.add_argument("--genotype", default="sphynx-cifar100", help="a name or genotype.json")
    parser.add_argument(
        "--grid",
        type=int,
        metavar="EPOCHS",
        help="also train every placement by the paper's recipe for so many epochs, to compare",
    )


def run(options: argparse.Namespace) -> None:
    """Searches; writes locations.json, beta over the epochs and a picture."""
    with chosen_execution(options) as execution:
        _search(options, execution)


def _search(options: argparse.Namespace, execution: Execution) -> None:
    dataset = chosen_dataset(options)
    config = SphynxConfig(
        options.channels,
        options.depth,
        (),
        find_genotype(options.genotype),
        dataset.image_size,
        len(dataset.classes),
    )
    places = placements(options.depth, options.reduce_cells)
    recipe = chosen_recipe(options, LOCATIONS)
    torch.manual_seed(recipe.seed)
    network = LocationNetwork.of(config, places)
    search = BilevelSearch(network, recipe, dataset, options.folder, execution)
    search.begin(resume=options.resume)

    def after_epoch(search: BilevelSearch, loss: float) -> None:
        state = {
            "epoch": search.epoch,
            "temperature": network.temperature,
            "validation_loss": loss,
        }
        beta = dict(zip(map(placement_name, places), network.probabilities(), strict=True))
        append_row(options.folder / LOG, {**state, **beta})
        best = placement_name(places[network.best()])
        print(f"epoch {search.epoch}  loss {loss:.4f}  likeliest {best}", flush=True)

    search.run(after_epoch)
    accuracies: list[float] | None = None
    if options.grid:
        final = PAPER.changed({"epochs": options.grid, "seed": recipe.seed})
        grid = options.folder / "grid"
        accuracies = train_grid(config, places, final, dataset, grid, execution)
    if execution.leads:
        _report(network, places, accuracies, dataset, options.folder)


def _report(
    network: LocationNetwork,
    places: list[Placement],
    accuracies: list[float] | None,
    dataset: Dataset,
    folder: Path,
) -> None:
    """Writes the result and its picture."""
    best, probabilities = places[network.best()], network.probabilities()
    rows = [
        {"reduce": list(place), "probability": probability}
        | ({"accuracy": accuracies[index]} if accuracies else {})
        for index, (place, probability) in enumerate(zip(places, probabilities, strict=True))
    ]
    content = {"dataset": dataset.name, "reduce": list(best), "placements": rows}
    (folder / RESULT).write_text(json.dumps(content, indent=2) + "\n")
    try:
        draw_locations(places, probabilities, accuracies, folder / "locations")
    except PicturesUnavailableError as error:
        print(error)
    print(f"{folder / RESULT}: reduce cells {' '.join(map(str, best))}")
