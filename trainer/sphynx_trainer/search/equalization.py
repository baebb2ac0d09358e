"""ReLU equalization: channel multipliers that give critical stages more ReLUs (DeepReShape).

The stem's ReLUs are not counted to the first stage.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise, product
from operator import mul

CRITICALITY = (3, 2, 4, 1)
"""The stages of a ResNet18, most critical ReLUs first."""

FEWEST, MOST = 2, 16
"""Multipliers that are tried: a stage is wider than the one before, and never 16 times."""


def stage_relus(blocks: Sequence[int], multipliers: Sequence[int]) -> list[int]:
    """ReLUs of every stage over those of one layer of the first: a stage quarters the pixels."""
    widths = accumulate((1, *multipliers), mul)
    quarters = 4 ** (len(blocks) - 1)
    return [
        2 * count * width * quarters // 4**stage
        for stage, (count, width) in enumerate(zip(blocks, widths, strict=True))
    ]


def is_equalized(
    blocks: Sequence[int], multipliers: Sequence[int], order: Sequence[int] = CRITICALITY
) -> bool:
    """Whether every stage has more ReLUs than the next in the order. Stages count from 1."""
    relus = stage_relus(blocks, multipliers)
    return all(relus[more - 1] > relus[fewer - 1] for more, fewer in pairwise(order))


def equalize(
    blocks: Sequence[int] = (2, 2, 2, 2), order: Sequence[int] = CRITICALITY
) -> list[tuple[int, ...]]:
    """The smallest multipliers that equalize: none of them may be one less.

    blocks: basic blocks per stage. Raises ValueError unless `order` names every stage once.
    """
    if sorted(order) != list(range(1, len(blocks) + 1)):
        raise ValueError(f"expected an order of the stages 1 to {len(blocks)}, got {order}")
    found = [
        multipliers
        for multipliers in product(range(FEWEST, MOST), repeat=len(blocks) - 1)
        if is_equalized(blocks, multipliers, order)
    ]
    return [
        multipliers
        for multipliers in found
        if not any(
            all(a <= b for a, b in zip(other, multipliers, strict=True))
            for other in found
            if other != multipliers
        )
    ]
