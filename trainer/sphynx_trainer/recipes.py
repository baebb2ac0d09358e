"""How a network is trained, as data."""

from dataclasses import dataclass
from math import cos, pi


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum. Learning rates are per step, weight_decay as in torch.optim.SGD.

    warmup: share of all steps in which the learning rate rises linearly from a tenth of
    `learning_rate`; it then falls to zero along a half cosine. clip: largest gradient norm.
    crop_padding: pixels by which training images are shifted at most. drop_path: chance
    that a cell's edge is left out for an image, at the end of a linear rise from zero.
    auxiliary_weight: of the loss of a second classifier after cell 2D/3, 0 for none.
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
    drop_path: float = 0.0
    auxiliary_weight: float = 0.0

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of one of `steps` steps."""
        rise = self.warmup * steps
        if step < rise:
            return self.learning_rate * (0.1 + 0.9 * step / rise)
        return self.learning_rate * 0.5 * (1 + cos(pi * (step - rise) / (steps - rise)))

    def drop_path_at(self, epoch: int) -> float:
        """The chance of dropping an edge in one of the epochs, counted from 0."""
        return self.drop_path * epoch / self.epochs

    def description(self) -> dict[str, str]:
        """The recipe in words, for people who reproduce it elsewhere."""
        return {
            "optimizer": f"SGD, Nesterov momentum {self.momentum}, weight decay "
            f"{self.weight_decay}, gradient norm clipped at {self.clip}",
            "schedule": f"peak learning rate {self.learning_rate}, linear warm-up over "
            f"{self.warmup:.0%} of the steps, then half a cosine to 0",
            "augmentation": f"horizontal flips, crops padded by {self.crop_padding} pixels",
        }


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

PAPER = Recipe(
    name="paper",
    epochs=600,
    batch=96,
    learning_rate=0.025,
    warmup=0.0,
    momentum=0.9,
    weight_decay=3e-4,
    clip=5.0,
    label_smoothing=0.0,
    crop_padding=4,
    precision="fp32",
    seed=1,
    drop_path=0.2,
    auxiliary_weight=0.4,
)
"""Table 7 of the Sphynx paper, for CIFAR-100; Tiny-ImageNet takes 250 epochs."""

RECIPES = {recipe.name: recipe for recipe in (CPU, PAPER)}
"""Every recipe that the command line may name."""
