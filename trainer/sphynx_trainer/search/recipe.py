"""How a search learns, as data (tables 5 and 6 of the Sphynx paper)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import cos, pi
from typing import Any


@dataclass(frozen=True)
class SearchRecipe:
    """Weights by SGD with Nesterov momentum, the architecture by Adam, in turns.

    learning_rate falls to last_learning_rate along half a cosine. batch: images of each of the
    two steps. clip: largest gradient norm of the weights. crop_padding: pixels by which images
    are shifted at most. architecture_betas: Adam's, as in DARTS. precision: "fp32" or "bf16".
    """

    name: str
    epochs: int
    batch: int = 64
    learning_rate: float = 0.025
    last_learning_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 3e-4
    clip: float = 5.0
    architecture_learning_rate: float = 3e-4
    architecture_weight_decay: float = 1e-3
    architecture_betas: tuple[float, float] = (0.5, 0.999)
    crop_padding: int = 4
    precision: str = "fp32"
    seed: int = 1

    def learning_rate_at(self, epoch: int) -> float:
        """The learning rate of the weights in one of the epochs, counted from 0."""
        fall = 0.5 * (1 + cos(pi * epoch / self.epochs))
        return self.last_learning_rate + (self.learning_rate - self.last_learning_rate) * fall

    def changed(self, changes: Mapping[str, Any]) -> "SearchRecipe":
        """This recipe with the values that are not None in place of its own."""
        return replace(self, **{key: value for key, value in changes.items() if value is not None})


CELLS = SearchRecipe(name="cells", epochs=50)
"""Table 5."""

LOCATIONS = SearchRecipe(name="locations", epochs=600)
"""Table 6."""
