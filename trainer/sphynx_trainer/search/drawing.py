"""Pictures of found architectures, as SVG and PNG. They need matplotlib (the extra `pictures`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..networks.sphynx.genotype import CellPlan, Genotype

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INPUT_COLOUR, NODE_COLOUR, OUTPUT_COLOUR = "#cfe3f5", "#f3e3bf", "#d5ecd0"
LINE_COLOUR = "#52606d"

OUTPUT_PLACE = (1.0, 0.35)
"""(x, y) of a cell's output."""


class PicturesUnavailableError(OSError):
    """matplotlib is not installed."""


def draw_cells(genotype: Genotype, stem: Path) -> None:
    """Writes both cells as `stem`.svg and `stem`.png. Raises PicturesUnavailableError."""
    figure = _figure(13, 8)
    for row, (title, plan) in enumerate(
        (("normal", genotype.normal), ("reduce", genotype.reduce)), start=1
    ):
        axes = figure.add_subplot(2, 1, row)
        axes.set_title(f"{genotype.name}, {title} cell", fontsize=10, loc="left")
        _draw_cell(axes, plan)
    _save(figure, stem)


def draw_locations(
    places: Sequence[Sequence[int]],
    probabilities: Sequence[float],
    accuracies: Sequence[float] | None,
    stem: Path,
) -> None:
    """Bars of softmax(beta) per placement, and points of test accuracy in percent (figure 5).

    accuracies: None where no networks were trained. Raises PicturesUnavailableError.
    """
    figure = _figure(max(6.0, 0.45 * len(places)), 4)
    axes = figure.add_subplot()
    labels = [",".join(map(str, place)) for place in places]
    positions = list(range(len(places)))
    axes.bar(positions, probabilities, color="#9aa5b1")
    axes.set_xticks(positions, labels, rotation=90 if len(places) > 12 else 0, fontsize=8)
    axes.set_xlabel("reduce cells")
    axes.set_ylabel("softmax(beta)")
    if accuracies is not None:
        right = axes.twinx()
        right.plot(positions, accuracies, "o-", color="#0b62a4", linewidth=1)
        right.set_ylabel("test accuracy, percent", color="#0b62a4")
    _save(figure, stem)


def place_nodes(plan: CellPlan) -> dict[int, tuple[float, float]]:
    """(x, y) of every node, from 0 to 1.

    A node is as far left as its deepest predecessor lets it be. Nodes zigzag, so that no edge
    passes behind a node, not even one that leads to the output.
    """
    depths = {0: 0, 1: 0}
    for index, edges in enumerate(plan):
        depths[index + 2] = 1 + max(depths[edge.node] for edge in edges)
    last = max(depths.values()) + 1
    half = (len(plan) + 1) // 2
    height = {0: 0.75, 1: 0.25}
    height |= {
        index + 2: (index // 2 + index % 2 * half + 0.5) / len(plan) for index in range(len(plan))
    }
    return {node: (depths[node] / last, height[node]) for node in depths}


def _draw_cell(axes: "Axes", plan: CellPlan) -> None:
    labels = {0: "older input", 1: "newer input"}
    labels |= {index + 2: str(index + 2) for index in range(len(plan))}
    place = place_nodes(plan)
    for index, edges in enumerate(plan):
        offset = 0.035 if edges[0].node == edges[1].node else 0.0
        for side, edge in zip((1, -1), edges, strict=True):
            label = 0.35 + 0.12 * index
            _arrow(axes, place[edge.node], place[index + 2], edge.operation, side * offset, label)
        _arrow(axes, place[index + 2], OUTPUT_PLACE)
    for node, (x, y) in place.items():
        _box(axes, x, y, labels[node], INPUT_COLOUR if node < 2 else NODE_COLOUR)
    _box(axes, *OUTPUT_PLACE, "conv1x1\nBN, ReLU", OUTPUT_COLOUR)
    axes.set_xlim(-0.08, 1.08)
    axes.set_ylim(-0.05, 1.05)
    axes.axis("off")


def _arrow(
    axes: "Axes",
    start: tuple[float, float],
    end: tuple[float, float],
    text: str = "",
    offset: float = 0.0,
    label: float = 0.5,
) -> None:
    """offset: how far above the line between the nodes; label: where along it the text is."""
    axes.annotate(
        "",
        (end[0], end[1] + offset),
        (start[0], start[1] + offset),
        arrowprops={
            "arrowstyle": "->",
            "color": LINE_COLOUR,
            "shrinkA": 20,
            "shrinkB": 14,
            "linestyle": "-" if text else ":",
        },
    )
    if text:
        x, y = ((1 - label) * a + label * b for a, b in zip(start, end, strict=True))
        background = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        axes.text(x, y + offset, text, fontsize=7, ha="center", va="center", bbox=background)


def _box(axes: "Axes", x: float, y: float, text: str, colour: str) -> None:
    box = {"boxstyle": "round,pad=0.5", "facecolor": colour, "edgecolor": LINE_COLOUR}
    axes.text(x, y, text, ha="center", va="center", fontsize=8, bbox=box, zorder=3)


def _figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches, that needs no screen."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PicturesUnavailableError(
            'no picture without matplotlib: pip install "sphynx-trainer[pictures]"'
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: "Figure", stem: Path) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(stem.with_suffix(".svg"))
    figure.savefig(stem.with_suffix(".png"), dpi=120)
