"""ReLUs taken away by stages, as in DeepReDuce (Jha, Ghodsi, Garg, Reagen, ICML'21).

A stage is all activations on maps of one size. *Culling* makes all of a stage linear, *thinning*
every second layer of it, from the first. The third step of the paper, fewer channels, is another
configuration of the same family.
"""

from collections.abc import Collection, Sequence

import torch

from ..networks.activations.masked_relu import MaskedReLU, replace_module
from ..networks.activations.places import Place, unmasked_places
from ..networks.base.classifier import Classifier

LEAST_CRITICAL_FIRST = {2: (1, 2), 3: (1, 3, 2), 4: (1, 4, 2, 3), 5: (1, 5, 2, 4, 3)}
"""Stages, counted from 1, by what their ReLUs are worth (DeepReShape: S3 > S2 > S4 > S1)."""


def stages(activations: Sequence[Place]) -> list[list[Place]]:
    """The activations on maps, by size of the map."""
    sizes: dict[int, list[Place]] = {}
    for place in activations:
        if len(place.shape) == 3:
            sizes.setdefault(place.shape[-1], []).append(place)
    return list(sizes.values())


def removed(
    activations: Sequence[Place], cull: Collection[int], thin: Collection[int]
) -> list[Place]:
    """What becomes linear. cull, thin: stages, counted from 1. Raises ValueError for others."""
    by_stage = stages(activations)
    unknown = {*cull, *thin} - set(range(1, len(by_stage) + 1))
    if unknown:
        raise ValueError(f"no stage {sorted(unknown)}; there are {len(by_stage)}")
    gone: list[Place] = []
    for number, stage in enumerate(by_stage, start=1):
        if number in cull:
            gone += stage
        elif number in thin:
            gone += stage[::2]
    return gone


def choose(activations: Sequence[Place], budget: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Stages to cull and to thin: most ReLUs within the budget.

    Culls the least critical stages first; of the others it thins all or none. Raises ValueError
    if even one thinned stage costs more than the budget.
    """
    total = sum(place.elements for place in activations)
    count = len(stages(activations))
    order = LEAST_CRITICAL_FIRST.get(count, tuple(range(1, count + 1)))
    options = [
        (order[:culled], thin)
        for culled in range(count)
        for thin in ((), tuple(sorted(order[culled:])))
    ]
    costs = {
        option: total - sum(place.elements for place in removed(activations, *option))
        for option in options
    }
    fitting = [option for option in options if costs[option] <= budget]
    if not fitting:
        raise ValueError(
            f"no stages cost {budget} ReLUs or less; the least is {min(costs.values())}"
        )
    cull, thin = max(fitting, key=lambda option: costs[option])
    return tuple(sorted(cull)), thin


def reduce_relus(
    network: Classifier, image_size: int, cull: Collection[int], thin: Collection[int]
) -> int:
    """Makes stages linear. Returns the ReLUs that are left. Raises ValueError as `removed`."""
    activations = unmasked_places(network, image_size)
    gone = removed(activations, cull, thin)
    for place in gone:
        replace_module(network, place.name, MaskedReLU(torch.zeros(place.channel_shape)))
    return sum(place.elements for place in activations) - sum(place.elements for place in gone)
