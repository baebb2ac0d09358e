"""Costs of Sphynx networks: the geometry of collapsed cells, without weights.

Every value before a ReLU reads windows of secret tensors. Composing windows gives the size of
each collapsed kernel, as `affine.py` composes the kernels themselves.
"""

from dataclasses import dataclass

from ..base.counting import LayerCount, NetworkCount, linear_layer
from .affine import IMAGE
from .cell_network import NEWER, OLDER, SphynxConfig
from .cells import INPUTS
from .convolutions import FACTORIZED_REACH
from .genotype import CellPlan
from .imagenet import SphynxImageNetConfig
from .margins import Reach
from .operations import reach_of

STEM_REACH = Reach(-1, 1)


@dataclass(frozen=True)
class Window:
    """Output row 0 reads rows first..last of a source; every further one `stride` rows on."""

    first: int
    last: int
    stride: int

    def seen_through(self, reach: Reach, stride: int) -> "Window":
        """The window of an operation that reads this window's results."""
        return Window(
            self.stride * reach.first + self.first,
            self.stride * reach.last + self.last,
            stride * self.stride,
        )

    def joined(self, other: "Window") -> "Window":
        """Both windows; their strides are equal."""
        return Window(min(self.first, other.first), max(self.last, other.last), self.stride)

    @property
    def kernel(self) -> int:
        """Rows of the exported kernel, which contains row 0 and reaches the stride's last row."""
        return max(self.last, self.stride - 1) - min(self.first, 0) + 1


Windows = dict[int, Window]
"""Source -> what is read of it."""


def count_sphynx(config: SphynxConfig) -> NetworkCount:
    """The costs of `SphynxNetwork(config)`, collapsed."""
    image = {IMAGE: Window(STEM_REACH.first, STEM_REACH.last, 1)}
    return _count(config, [], {OLDER: image, NEWER: image}, {IMAGE: 3})


def count_sphynx_imagenet(config: SphynxImageNetConfig) -> NetworkCount:
    """The costs of `SphynxImageNetNetwork(config)`, its cells collapsed."""
    stem = Window(STEM_REACH.first, STEM_REACH.last, 2)
    (half, half_size), (full, full_size) = config.stem_layers
    depths = {IMAGE: 3, 0: half, 1: full}
    layers = [
        _layer("stem_relus.0", half, half_size, {IMAGE: stem}, depths),
        _layer("stem_relus.1", full, full_size, {0: stem}, depths),
    ]
    return _count(config, layers, {OLDER: {0: stem}, NEWER: {1: stem}}, depths)


def _count(
    config: SphynxConfig,
    layers: list[LayerCount],
    windows: dict[int, Windows],
    depths: dict[int, int],
) -> NetworkCount:
    """layers: of the stem; windows: of the stem's outputs; depths: source -> its channels."""
    for cell in range(config.depth):
        older, newer = windows[cell - 2], windows[cell - 1]
        if config.halves_first(cell):
            older = _through(older, FACTORIZED_REACH, 2)
        reduce = cell in config.reduce
        plan = config.genotype.reduce if reduce else config.genotype.normal
        repeat = config.form == "paper"
        read = _cell(plan, older, newer, 2 if reduce else 1, repeat=repeat)
        channels, size = config.channels_after(cell), config.size_after(cell)
        source = len(layers)
        layers.append(_layer(f"cells.{cell}.relu", channels, size, read, depths))
        windows[cell], depths[source] = {source: Window(0, 0, 1)}, channels
    layers.append(linear_layer("classify", channels, config.classes))
    return NetworkCount(tuple(layers))


def _cell(plan: CellPlan, older: Windows, newer: Windows, stride: int, *, repeat: bool) -> Windows:
    """What a cell reads of every source."""
    nodes = [older, newer]
    for node in plan:
        parts = []
        for edge in node:
            outer = stride if edge.node < INPUTS else 1
            reach = reach_of(edge.operation, outer, repeat=repeat)
            parts.append({} if reach is None else _through(nodes[edge.node], reach, outer))
        nodes.append(_joined(parts))
    return _joined(nodes[INPUTS:])


def _through(windows: Windows, reach: Reach, stride: int) -> Windows:
    return {source: window.seen_through(reach, stride) for source, window in windows.items()}


def _joined(parts: list[Windows]) -> Windows:
    joined: Windows = {}
    for windows in parts:
        for source, window in windows.items():
            joined[source] = joined[source].joined(window) if source in joined else window
    return joined


def _layer(
    name: str, channels: int, size: int, read: Windows, depths: dict[int, int]
) -> LayerCount:
    weights = channels * sum(depths[source] * window.kernel**2 for source, window in read.items())
    return LayerCount(name, channels * size**2, weights * size**2, weights + channels)
