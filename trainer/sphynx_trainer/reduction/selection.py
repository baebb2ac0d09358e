"""From trained coefficients to masks that spend a ReLU budget."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..networks.activations.places import Place

THRESHOLD = 0.01
"""A coefficient above it counts as a ReLU (SNL, algorithm 1). Adam moves a coefficient around 0 by
its learning rate (the recipe's times `choice_rate`), which must therefore be smaller.
"""


def relus_above_threshold(coefficients: Mapping[Place, Tensor]) -> int:
    """ReLUs of a network if all coefficients were rounded at the threshold."""
    return sum(
        int((c > THRESHOLD).sum()) * (place.elements // c.numel())
        for place, c in coefficients.items()
    )


def select(coefficients: Mapping[Place, Tensor], budget: int) -> dict[str, Tensor]:
    """Masks by activation that keep the largest coefficients.

    With a coefficient per element the masks have exactly `budget` ones. With one per channel,
    channels are taken from the largest coefficient down as long as they fit, so it may be less.
    Raises ValueError for a budget that leaves nothing to choose.
    """
    total = sum(place.elements for place in coefficients)
    if not 0 < budget < total:
        raise ValueError(f"the ReLU budget must lie between 0 and {total}, got {budget}")
    values = torch.cat([c.detach().flatten().cpu() for c in coefficients.values()])
    costs = torch.cat(
        [torch.full((c.numel(),), p.elements // c.numel()) for p, c in coefficients.items()]
    )
    order = torch.argsort(values, descending=True, stable=True)
    kept = torch.zeros(len(values))
    left = budget
    for index, cost in zip(order.tolist(), costs[order].tolist(), strict=True):
        if cost <= left:
            kept[index] = 1
            left -= cost
            if not left:
                break
    parts = kept.split([c.numel() for c in coefficients.values()])
    return {
        place.name: part.view(c.shape)
        for part, (place, c) in zip(parts, coefficients.items(), strict=True)
    }
