import sys
from pathlib import Path

import pytest

from sphynx_trainer.networks.sphynx.genotype import SPHYNX_CIFAR100, Edge, find_genotype
from sphynx_trainer.search.drawing import (
    OUTPUT_PLACE,
    PicturesUnavailableError,
    draw_cells,
    draw_locations,
    place_nodes,
)

PNG = b"\x89PNG"


def test_both_cells_are_drawn_with_their_operations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyplot = pytest.importorskip("matplotlib")
    monkeypatch.setitem(pyplot.rcParams, "svg.fonttype", "none")
    draw_cells(SPHYNX_CIFAR100, tmp_path / "cells")
    picture = (tmp_path / "cells.svg").read_text()
    assert picture.count("dilated5x5") == 1
    assert picture.count("dilated3x3") == 2
    assert picture.count("conv5x5") == 2
    assert "reduce cell" in picture
    assert (tmp_path / "cells.png").read_bytes().startswith(PNG)


def _distance(point: complex, start: complex, end: complex) -> float:
    """From a point to the line between two others."""
    along = ((point - start) * (end - start).conjugate()).real / abs(end - start) ** 2
    return abs(point - start - min(max(along, 0.0), 1.0) * (end - start))


@pytest.mark.parametrize("name", ["sphynx-cifar100", "darts", "pc-darts", "chain"])
def test_no_edge_passes_behind_a_node(name: str) -> None:
    chain = tuple((Edge("skip", max(node - 2, 0)), Edge("skip", node - 1)) for node in range(2, 6))
    genotypes = () if name == "chain" else (find_genotype(name),)
    plans = [plan for each in genotypes for plan in (each.normal, each.reduce)] or [chain]
    for plan in plans:
        place = {node: complex(*at) for node, at in place_nodes(plan).items()}
        output = max(place) + 1
        place[output] = complex(*OUTPUT_PLACE)
        drawn = [(edge.node, index + 2) for index, edges in enumerate(plan) for edge in edges]
        drawn += [(index + 2, output) for index in range(len(plan))]
        for start, end in drawn:
            others = set(place) - {start, end}
            ends = place[start], place[end]
            assert all(_distance(place[other], *ends) > 0.05 for other in others)


@pytest.mark.parametrize("accuracies", [None, [60.0, 61.5]])
def test_beta_is_drawn_beside_accuracy(accuracies: list[float] | None, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_locations([(0, 1), (0, 2)], [0.4, 0.6], accuracies, tmp_path / "locations")
    assert (tmp_path / "locations.png").read_bytes().startswith(PNG)


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(PicturesUnavailableError, match="pictures"):
        draw_cells(SPHYNX_CIFAR100, tmp_path / "cells")
