"""Where the reduce cells go: a Gumbel-softmax over all placements (Sphynx, algorithm 1).

Every placement is a network of its own, but for the stem, which all share. A step draws one of them
by the categorical distribution beta and trains only that; beta is trained by the straight-through
estimator.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Self

import torch
from torch import Tensor, nn

from ..networks.families import build
from ..networks.sphynx.cell_network import SphynxConfig
from .searchable import Searchable

FIRST_TEMPERATURE, LAST_TEMPERATURE = 1000.0, 0.1
"""Of the Gumbel-softmax; it falls linearly (table 6)."""

Placement = tuple[int, ...]
"""Indices of the reduce cells."""


def placements(depth: int, reduce_cells: int = 2) -> list[Placement]:
    """All ways to place the reduce cells among `depth` cells. Raises ValueError without any."""
    if not 0 <= reduce_cells <= depth:
        raise ValueError(f"{reduce_cells} reduce cells do not fit into {depth} cells")
    return list(combinations(range(depth), reduce_cells))


def placement_name(place: Placement) -> str:
    """As columns and folders are called."""
    return "-".join(map(str, place)) or "none"


class LocationNetwork(Searchable):
    """F(x) = sum over k of g_k f_k(x), where g is one-hot: only the drawn candidate runs."""

    def __init__(self, candidates: Sequence[nn.Module]) -> None:
        super().__init__()
        self.candidates = nn.ModuleList(candidates)
        self.beta = nn.Parameter(torch.zeros(len(candidates)))
        self.temperature = FIRST_TEMPERATURE

    @classmethod
    def of(cls, config: SphynxConfig, places: Sequence[Placement]) -> Self:
        """The candidates are the configuration with its reduce cells in each of the places.

        They share the stem, which comes before the first cell and so is the same for all: it is
        trained in every step.
        """
        candidates = [build(replace(config, reduce=place)) for place in places]
        for candidate in candidates[1:]:
            candidate.stem = candidates[0].stem
        return cls(candidates)

    def architecture(self) -> list[nn.Parameter]:
        """Returns beta."""
        return [self.beta]

    def begin_step(self, progress: float) -> None:
        """Lowers the temperature."""
        self.temperature = FIRST_TEMPERATURE + (LAST_TEMPERATURE - FIRST_TEMPERATURE) * progress

    def forward(self, images: Tensor) -> Tensor:
        """Returns the logits of one candidate, drawn afresh, times its gate."""
        chosen, gate = self.draw()
        logits: Tensor = gate * self.candidates[chosen](images)
        return logits

    def draw(self) -> tuple[int, Tensor]:
        """A candidate k and g_k, which is 1 and has the gradient of the softmax (eq. 4.1, 4.2).

        The noise comes from the CPU's generator, so that all processes draw the same candidate.
        """
        exponential = torch.empty(len(self.beta)).exponential_().to(self.beta.device)
        scores = self.beta.log_softmax(dim=0) - exponential.log()
        chosen = int(scores.argmax())
        soft = (scores / self.temperature).softmax(dim=0)[chosen]
        return chosen, 1 + soft - soft.detach()

    @torch.no_grad()
    def probabilities(self) -> list[float]:
        """softmax(beta)."""
        probabilities: list[float] = self.beta.softmax(dim=0).tolist()
        return probabilities

    def best(self) -> int:
        """The likeliest candidate (eq. 4.4)."""
        return int(self.beta.argmax())
