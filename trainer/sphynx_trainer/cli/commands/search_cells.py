"""Search normal and reduce cells by DARTS in the ReLU-free space."""

import argparse
import json
from pathlib import Path

import torch

from ...networks.sphynx.genotype import Genotype
from ...search.bilevel import BilevelSearch
from ...search.cell_search import CellSearchConfig, CellSearchNetwork
from ...search.drawing import PicturesUnavailableError, draw_cells
from ...search.recipe import CELLS
from ...search.table import append_row
from ...training.execution import Execution
from ..options.data import chosen_dataset
from ..options.search import add_search_arguments, chosen_execution, chosen_recipe

GENOTYPE = "genotype.json"
LOG = "cells.csv"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options."""
    add_search_arguments(parser)
    parser.add_argument(
        "--order",
        type=int,
        choices=(1, 2),
        help="of the architecture's gradient; 2 takes four passes more for a step; default: 1",
    )
    parser.add_argument("--channels", type=int, default=5, metavar="C")
    parser.add_argument("--cells", type=int, default=8, metavar="D")
    parser.add_argument(
        "--nodes",
        type=int,
        choices=(5, 7),
        default=7,
        help="nodes of a cell, its two inputs and its output included",
    )


def run(options: argparse.Namespace) -> None:
    """Searches; writes genotype.json, the log and pictures of the cells."""
    with chosen_execution(options) as execution:
        _search(options, execution)


def _search(options: argparse.Namespace, execution: Execution) -> None:
    dataset = chosen_dataset(options)
    config = CellSearchConfig(
        channels=options.channels,
        cells=options.cells,
        nodes=options.nodes - 3,
        image_size=dataset.image_size,
        classes=len(dataset.classes),
    )
    recipe = chosen_recipe(options, CELLS)
    torch.manual_seed(recipe.seed)
    network = CellSearchNetwork(config)
    search = BilevelSearch(network, recipe, dataset, options.folder, execution)
    search.begin(resume=options.resume)
    name = f"{dataset.name}-seed{recipe.seed}"

    def after_epoch(search: BilevelSearch, loss: float) -> None:
        row = {"epoch": search.epoch, "validation_loss": loss, **network.certainty()}
        append_row(options.folder / LOG, row)
        _write(network.genotype(name), options.folder / GENOTYPE)
        print("  ".join(f"{key} {value:.4g}" for key, value in row.items()), flush=True)

    search.run(after_epoch)
    if execution.leads:
        genotype = network.genotype(name)
        _write(genotype, options.folder / GENOTYPE)
        _draw(genotype, options.folder / "cells")
        print(f"{options.folder / GENOTYPE}: the cells; train takes them by --genotype")


def _write(genotype: Genotype, path: Path) -> None:
    path.write_text(json.dumps(genotype.to_json(), indent=2) + "\n")


def _draw(genotype: Genotype, stem: Path) -> None:
    try:
        draw_cells(genotype, stem)
    except PicturesUnavailableError as error:
        print(error)
