"""How a network is trained, as data."""

from dataclasses import dataclass
from math import cos, pi


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum. Learning rates are per step, weight_decay as in torch.optim.SGD.

    warmup: share of all steps in which the learning rate rises linearly from a tenth of
    `learning_rate`; it then falls to zero along a half cosine. clip: largest gradient norm.
    crop_padding: pixels by which training images are shifted at most.
    """

    name: str
    epochs: int
    batch: int
    learning_rate: float
    warmup: float
    momentum: float
    weight_decay: float
    clip: float
    label_smoothing: float
    crop_padding: int
    precision: str
    seed: int

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of one of `steps` steps."""
        rise = self.warmup * steps
        if step < rise:
            return self.learning_rate * (0.1 + 0.9 * step / rise)
        return self.learning_rate * 0.5 * (1 + cos(pi * (step - rise) / (steps - rise)))


CPU = Recipe(
    name="cpu",
    epochs=24,
    batch=128,
    learning_rate=0.15,
    warmup=0.15,
    momentum=0.9,
    weight_decay=5e-4,
    clip=5.0,
    label_smoothing=0.0,
    crop_padding=4,
    precision="bf16",
    seed=1,
)
"""One cycle of a high learning rate: about an hour on two CPU cores with bfloat16."""

RECIPES = {recipe.name: recipe for recipe in (CPU,)}
