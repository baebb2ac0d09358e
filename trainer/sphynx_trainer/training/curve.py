"""A learning curve as SVG: accuracy on the training and held-out images over the epochs."""

from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 16, 40
TRAIN_COLOUR, HELD_OUT_COLOUR = "#9aa5b1", "#0b62a4"


class Point(NamedTuple):
    """An epoch and its accuracies in percent; None for what was not measured."""

    epoch: int
    train: float | None
    held_out: float | None


def draw_curve(points: Sequence[Point]) -> str:
    """The picture of at least one epoch."""
    last = max(point.epoch for point in points)

    def place(epoch: int, percent: float) -> str:
        x = LEFT + (WIDTH - LEFT - RIGHT) * epoch / last
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * percent / 100
        return f"{x:.1f},{y:.1f}"

    lines = [_grid(percent) for percent in range(0, 101, 20)]
    lines.append(_text(WIDTH - RIGHT, HEIGHT - BOTTOM + 18, f"epoch {last}", "end"))
    train = [(point.epoch, point.train) for point in points if point.train is not None]
    held_out = [(point.epoch, point.held_out) for point in points if point.held_out is not None]
    for name, measured, left, colour, width in (
        ("training", train, LEFT, TRAIN_COLOUR, 1.5),
        ("held-out", held_out, LEFT + 220, HELD_OUT_COLOUR, 2),
    ):
        line = " ".join(place(epoch, percent) for epoch, percent in measured)
        lines.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        )
        if measured:
            label = f"{name} images {measured[-1][1]:.1f}%"
            lines.append(_text(left, HEIGHT - 6, label, colour=colour))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
    paper = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    return "\n".join([head, paper, *lines, "</svg>"]) + "\n"


def _grid(percent: int) -> str:
    y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * percent / 100
    line = f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e4e7eb"/>'
    return line + _text(LEFT - 6, y + 4, f"{percent}%", "end")


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#52606d") -> str:
    font = 'font-family="sans-serif" font-size="12"'
    return f'<text x="{x}" y="{y:.1f}" {font} fill="{colour}" text-anchor="{anchor}">{text}</text>'
