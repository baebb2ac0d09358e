"""Selective Network Linearization (Cho, Joshi, Reagen, Garg, Hegde, ICML'22), its first phase.

Every ReLU becomes c * relu(x) + (1 - c) * x. Weights and c are trained together under an L1
penalty on c until the number of c above a threshold is within the budget. The penalty's weight
grows after every epoch without a new minimum of that number, but for the first five, as in the
authors' code. `selection.select` then fixes the masks.
"""

import torch
from torch import Tensor, nn

from ..networks.activations.masked_relu import SelectiveReLU, replace_module
from ..networks.activations.places import Place, places, unmasked_places
from ..networks.base.classifier import Classifier
from ..training import Run
from .selection import THRESHOLD, relus_above_threshold, select

GROWTH = 1.1
"""Growth of the penalty's weight (the authors' value)."""
PATIENT_EPOCHS = 5
"""First epochs after which the weight never grows (the authors' value)."""

STATE = "linearization"
"""Where a checkpoint keeps the penalty's growth so far, the last count and the smallest."""


def make_selective(network: Classifier, image_size: int, *, channel_wise: bool) -> None:
    """Replaces every ReLU by one with a trainable coefficient per element, or per channel.

    Raises ValueError for a network with masks.
    """
    for place in unmasked_places(network, image_size):
        shape = place.channel_shape if channel_wise else place.shape
        replace_module(network, place.name, SelectiveReLU(shape))


class Linearization:
    """Drives a run whose network `make_selective` prepared towards a ReLU budget.

    The penalty's weight begins at that of the run's recipe.
    """

    def __init__(self, run: Run, budget: int) -> None:
        """Raises ValueError for an impossible budget, or steps too large to tell ReLUs by."""
        rate = run.recipe.learning_rate * run.recipe.choice_rate
        if rate >= THRESHOLD:
            raise ValueError(
                f"steps of {rate:g} hide coefficients at {THRESHOLD}, which decides about ReLUs: "
                "choose a smaller choice_rate or learning_rate (--linearize-set)"
            )
        self.run = run
        self.budget = budget
        self.coefficients = coefficients(run.network, run.dataset.image_size)
        self.total = sum(place.elements for place in self.coefficients)
        select(self.coefficients, budget)  # Raises before any training.
        run.extra.setdefault(STATE, {"growth": 1.0, "relus": self.total, "lowest": self.total})
        run.penalty = self.penalty

    @property
    def state(self) -> dict[str, float]:
        """The penalty's growth, the last and the lowest count; part of the run's checkpoint."""
        state: dict[str, float] = self.run.extra[STATE]
        return state

    def describe(self) -> str:
        """Where the phase stands, for people."""
        return f"{self.state['relus']:,.0f} ReLUs left, the budget is {self.budget:,}"

    def penalty(self) -> Tensor:
        """The L1 penalty on all coefficients."""
        norms = [c.abs().sum() for c in self.coefficients.values()]
        return self.run.recipe.penalty * self.state["growth"] * torch.stack(norms).sum()

    def after_epoch(self, run: Run) -> bool:
        """Whether the budget is reached; raises the penalty without a new minimum of the count."""
        relus = relus_above_threshold(self.coefficients)
        if relus >= self.state["lowest"] and run.epoch > PATIENT_EPOCHS:
            self.state["growth"] *= GROWTH
        self.state["relus"] = relus
        self.state["lowest"] = min(relus, self.state["lowest"])
        return relus <= self.budget


def coefficients(network: nn.Module, image_size: int) -> dict[Place, nn.Parameter]:
    """The coefficients of a network that `make_selective` prepared, in the order of its layers."""
    modules = {place: network.get_submodule(place.name) for place in places(network, image_size)}
    return {
        place: module.coefficient
        for place, module in modules.items()
        if isinstance(module, SelectiveReLU)
    }


def binarize(network: Classifier, image_size: int, budget: int) -> None:
    """Fixes the masks: the largest coefficients within the budget stay ReLUs. Raises ValueError."""
    for name, mask in select(coefficients(network, image_size), budget).items():
        module = network.get_submodule(name)
        assert isinstance(module, SelectiveReLU)
        replace_module(network, name, module.fixed(mask.to(module.coefficient.device)))
