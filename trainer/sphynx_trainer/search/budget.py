"""All networks of a family that a ReLU budget allows (Sphynx, section 4.2)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..networks.base.counting import NetworkCount
from ..networks.families import Config, count
from ..networks.sphynx.imagenet import SphynxImageNetConfig
from ..networks.sphynx.network import SphynxConfig
from ..networks.staged.comparisons import ConvNeXtConfig
from ..networks.staged.hybrenet import HYBRENETS, HybReNetConfig
from ..networks.staged.resnet_configs import ResNet18Config, ResNet32Config
from ..networks.staged.vgg import VGG11Config
from .latency import LatencyModel

PUBLISHED_PLACES = {5: (0, 1), 6: (0, 1), 8: (1, 3), 10: (0, 5), 15: (2, 6)}
"""D -> reduce cells that the paper's search found on CIFAR-100."""

FEWEST_CELLS, MOST_CELLS = 3, 20


@dataclass(frozen=True)
class Choice:
    """A network within the budget. online_ms: estimated, if there is a latency model."""

    config: Config
    count: NetworkCount
    online_ms: float | None


def fit_budget(
    family: str,
    budget: int,
    image_size: int,
    classes: int,
    *,
    spent: float = 0.9,
    latency: LatencyModel | None = None,
) -> list[Choice]:
    """The networks with at most `budget` ReLUs and at least the share `spent` of it.

    Of Sphynx all (C, D), of other families all channels, of HybReNets the published multipliers.

    Raises ValueError for a family without a rule, or one that cannot take the image size.
    """
    if family not in SCALINGS:
        raise ValueError(f"unknown family {family!r}; expected one of {', '.join(SCALINGS)}")
    choices = []
    for scaling in SCALINGS[family]:
        for config, counted in _affordable(scaling, budget, image_size, classes):
            if counted.relus >= spent * budget:
                estimate = latency(counted.relus, counted.macs) if latency else None
                choices.append(Choice(config, counted, estimate))
    return choices


def places_for(depth: int) -> tuple[int, ...]:
    """The published places of the reduce cells, or a third and two thirds in."""
    return PUBLISHED_PLACES.get(depth, (depth // 3, 2 * depth // 3))


@dataclass(frozen=True)
class Scaling:
    """Networks of one shape that differ in their channels: `step` and its multiples."""

    make: Callable[[int, int, int], Config]
    step: int = 1


def _affordable(
    scaling: Scaling, budget: int, image_size: int, classes: int
) -> Iterator[tuple[Config, NetworkCount]]:
    """Ever wider networks, while the budget lasts."""
    for channels in range(scaling.step, budget, scaling.step):
        config = scaling.make(channels, image_size, classes)
        counted = count(config)
        if counted.relus > budget:
            return
        yield config, counted


def _sphynx(depth: int) -> Scaling:
    return Scaling(
        lambda channels, size, classes: SphynxConfig(
            channels, depth, places_for(depth), image_size=size, classes=classes
        )
    )


def _sphynx_imagenet(depth: int) -> Scaling:
    return Scaling(
        lambda channels, size, classes: SphynxImageNetConfig(
            channels, depth, places_for(depth), image_size=size, classes=classes
        ),
        step=2,
    )


def _hybrenet(multipliers: tuple[int, ...]) -> Scaling:
    return Scaling(
        lambda channels, size, classes: HybReNetConfig(
            multipliers, channels, image_size=size, classes=classes
        )
    )


_DEPTHS = range(FEWEST_CELLS, MOST_CELLS + 1)

SCALINGS: dict[str, list[Scaling]] = {
    "sphynx": [_sphynx(depth) for depth in _DEPTHS],
    "sphynx-imagenet": [_sphynx_imagenet(depth) for depth in _DEPTHS],
    "resnet18": [Scaling(ResNet18Config)],
    "resnet32": [Scaling(ResNet32Config)],
    "hybrenet": [_hybrenet(multipliers) for multipliers in HYBRENETS.values()],
    "convnext": [Scaling(lambda channels, *rest: ConvNeXtConfig(channels, (2, 2, 6, 2), *rest))],
    "vgg11": [Scaling(lambda channels, *rest: VGG11Config(channels, (), *rest))],
}
"""Family -> the shapes that are tried."""
