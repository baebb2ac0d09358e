"""What the ReLUs of a stage are worth (DeepReDuce; DeepReShape orders the stages by it)."""

from collections.abc import Sequence

from ..networks.activations.places import Place
from .deepreduce import stages

EXPONENT = 0.07
"""w: how much a stage's ReLUs count against it."""


def relus_of_stages(activations: Sequence[Place]) -> list[int]:
    """ReLUs of every stage, of which `stages` speaks."""
    return [sum(place.elements for place in stage) for stage in stages(activations)]


def criticality(accuracy: float, without: float, relus: int) -> float:
    """(Acc_k - Acc_none) / ReLUs_k^w of a stage.

    accuracy: of the network that keeps this stage's ReLUs alone; without: of the one that keeps
    none, both in percent and after training.
    """
    return (accuracy - without) / float(relus**EXPONENT)


def most_critical_first(values: Sequence[float]) -> list[int]:
    """The stages, counted from 1, by falling criticality."""
    return sorted(range(1, len(values) + 1), key=lambda stage: -values[stage - 1])
