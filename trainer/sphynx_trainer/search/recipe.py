"""How a search learns, as data (tables 5 and 6 of the Sphynx paper)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import cos, pi
from typing import Any, Self


@dataclass(frozen=True)
class SearchRecipe:
    """Trains weights by SGD with Nesterov momentum and the architecture by Adam, in turns."""

    name: str
    """Its name, for people."""

    epochs: int
    """Passes over one half of the training images."""

    batch: int = 64
    """Images of each of the two steps."""

    learning_rate: float = 0.025
    """Of the weights, at the beginning; it falls along half a cosine."""

    last_learning_rate: float = 0.001
    """Of the weights, at the end."""

    momentum: float = 0.9
    """Of the weights' SGD."""

    weight_decay: float = 3e-4
    """Of the weights."""

    clip: float = 5.0
    """Largest norm of the weights' gradients together."""

    architecture_learning_rate: float = 3e-4
    """Of the architecture's Adam."""

    architecture_weight_decay: float = 1e-3
    """Of the architecture."""

    architecture_betas: tuple[float, float] = (0.5, 0.999)
    """Coefficients of the architecture's Adam, as in DARTS."""

    order: int = 1
    """Of the architecture's gradient: 2 looks one step of the weights ahead, as DARTS can."""

    images: int = 0
    """How many of the training images are used, drawn once for all; 0 for all of them."""

    crop_padding: int = 4
    """Pixels by which images are shifted at most."""

    precision: str = "fp32"
    """Arithmetic: "fp32", or "bf16" for convolutions."""

    seed: int = 1
    """Of the weights, the order of images, and how they are shown."""

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise ValueError(f"a search is of order 1 or 2, not {self.order}")
        if self.images < 0:
            raise ValueError(f"cannot search on {self.images} images")

    def learning_rate_at(self, epoch: int) -> float:
        """The learning rate of the weights in one of the epochs, counted from 0."""
        fall = 0.5 * (1 + cos(pi * epoch / self.epochs))
        return self.last_learning_rate + (self.learning_rate - self.last_learning_rate) * fall

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """This recipe with the values that are not None in place of its own."""
        return replace(self, **{key: value for key, value in changes.items() if value is not None})


CELLS = SearchRecipe(name="cells", epochs=50)
"""Table 5."""

LOCATIONS = SearchRecipe(name="locations", epochs=600)
"""Table 6."""
