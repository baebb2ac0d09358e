"""The ReLUs that a mask leaves, layer by layer, as a picture (SNL, figures of section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, ROW, LEFT, BAR = 640, 22, 160, 400


@dataclass(frozen=True)
class Layer:
    """A layer's name, the ReLUs that are left and those that it had."""

    name: str
    left: int
    full: int

    @property
    def share(self) -> float:
        """Of its ReLUs that are left."""
        return self.left / self.full


def draw_spread(layers: Sequence[Layer]) -> str:
    """An SVG with two bars per layer: what it had and, upon it, what is left."""
    most = max(layer.full for layer in layers)
    parts = []
    for row, layer in enumerate(layers):
        y = row * ROW + 4
        full, left = (round(BAR * relus / most, 1) for relus in (layer.full, layer.left))
        parts += [
            f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(layer.name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{full}" height="14" fill="#d5dce4"/>',
            f'<rect x="{LEFT}" y="{y}" width="{left}" height="14" fill="#27628f"/>',
            f'<text x="{LEFT + full + 6}" y="{y + 12}">{layer.left:,}</text>',
        ]
    height = len(layers) * ROW + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="11">\n' + "\n".join(parts) + "\n</svg>\n"
    )
