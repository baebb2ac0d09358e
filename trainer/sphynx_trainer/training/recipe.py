"""How a network is trained, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from math import ceil, cos, pi
from typing import Any

import torch
from torch import nn

DECAYS = ("cosine", "steps", "late", "none")
RATE = "rate"
"""Key of an optimizer's group for its learning rate, as a multiple of the recipe's."""
LATE = 0.8
"""Share of the steps after which a late decay begins."""


@dataclass(frozen=True)
class Recipe:
    """Learning rates are per step; weight_decay as in torch.optim.

    batch: images per step, of all processes together. optimizer: "sgd" with Nesterov momentum, or
    "adam". decay: how the learning rate falls, "cosine" to zero along half a cosine, "steps" to a
    tenth after each of the epochs `milestones`, "late" linearly to zero in the last fifth, "none".
    warmup: share of all steps in which it first rises linearly from a tenth. clip: largest
    gradient norm. crop_padding: pixels by which training images are shifted at most. precision:
    "fp32", "bf16" for convolutions, or "auto" for the faster one. drop_path: chance that a cell's
    edge is left out for an image, at the end of a linear rise from zero. auxiliary_weight: of the
    loss of a second classifier two thirds in, 0 for none. average: what a step keeps of a moving
    average of the weights, 0 for none. held_out: training images that are kept for choices, at
    most a tenth of them. In the last `fixed_point_epochs` ReLUs read fixed-point numbers of
    `fixed_point_bits` bits. choice_rate: learning rate of the coefficients that choose ReLUs, as a
    multiple of all other parameters'. images: of the training images that many are used, drawn once
    for all; 0 for all of them.

    With teachers the loss is label_weight * cross-entropy + distillation * their term. That is the
    squared error to their mean logits, summed over the classes, or with a `temperature` T above 0
    T^2 times the Kullback-Leibler divergence from their mean distribution at T. views: fixed ways
    to show each image, one an epoch in turns, for which the teachers' logits are kept on disk;
    0 draws new ones every epoch and runs the teachers beside the student.
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
    optimizer: str = "sgd"
    decay: str = "cosine"
    milestones: tuple[int, ...] = ()
    average: float = 0.0
    distillation: float = 1.0
    temperature: float = 0.0
    label_weight: float = 1.0
    views: int = 0
    held_out: int = 2000
    fixed_point_epochs: int = 0
    fixed_point_bits: int = 12
    choice_rate: float = 1.0
    images: int = 0

    def __post_init__(self) -> None:
        if self.optimizer not in ("sgd", "adam"):
            raise ValueError(f"unknown optimizer {self.optimizer!r}; expected sgd or adam")
        if self.decay not in DECAYS:
            raise ValueError(f"unknown decay {self.decay!r}; expected one of {', '.join(DECAYS)}")
        if min(self.epochs, self.batch) < 1:
            raise ValueError(f"cannot train {self.epochs} epochs in batches of {self.batch}")

    def make_optimizer(
        self, parameters: Iterable[nn.Parameter], choosing: Iterable[nn.Parameter] = ()
    ) -> torch.optim.Optimizer:
        """The optimizer of everything that is trained.

        choosing: those of the parameters whose learning rate is `choice_rate` times the others'.
        """
        parameters = list(parameters)
        apart = {id(each) for each in choosing} if self.choice_rate != 1.0 else set()
        groups: list[dict[str, Any]] = [
            {"params": [each for each in parameters if id(each) not in apart], RATE: 1.0},
            {"params": [each for each in parameters if id(each) in apart], RATE: self.choice_rate},
        ]
        return self._optimizer([group for group in groups if group["params"]])

    def _optimizer(self, parameters: list[dict[str, Any]]) -> torch.optim.Optimizer:
        if self.optimizer == "adam":
            return torch.optim.Adam(
                parameters,
                lr=self.learning_rate,
                betas=(self.momentum, 0.999),
                weight_decay=self.weight_decay,
            )
        return torch.optim.SGD(
            parameters,
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            nesterov=True,
        )

    def learning_rate_at(self, step: int, steps: int) -> float:
        """The learning rate of one of `steps` steps."""
        rise = self.warmup * steps
        if step < rise:
            return self.learning_rate * (0.1 + 0.9 * step / rise)
        if self.decay == "none":
            return self.learning_rate
        if self.decay == "late":
            return self.learning_rate * min(1.0, (steps - step) / ((1 - LATE) * steps))
        if self.decay == "steps":
            past = sum(step >= milestone / self.epochs * steps for milestone in self.milestones)
            return self.learning_rate * 0.1**past
        return self.learning_rate * 0.5 * (1 + cos(pi * (step - rise) / (steps - rise)))

    def drop_path_at(self, epoch: int) -> float:
        """The chance of dropping an edge in one of the epochs, counted from 0."""
        return self.drop_path * epoch / self.epochs

    def in_fixed_point(self, epoch: int) -> bool:
        """Whether ReLUs read fixed-point numbers in one of the epochs, counted from 0."""
        return epoch >= self.epochs - self.fixed_point_epochs

    def decaying_after(self, epochs: float) -> "Recipe":
        """This recipe with as many epochs as let a late decay begin after so many of them.

        Raises ValueError for another kind of decay.
        """
        if self.decay != "late":
            raise ValueError(f"only a late decay can begin at will, not {self.decay!r}")
        return replace(self, epochs=max(1, ceil(epochs / LATE)))

    def description(self) -> dict[str, str]:
        """The recipe in words, for people who reproduce it elsewhere."""
        name = "SGD, Nesterov" if self.optimizer == "sgd" else "Adam,"
        falls = {
            "cosine": "then half a cosine to 0",
            "late": f"then constant, and linearly to 0 in the last {1 - LATE:.0%} of the steps",
            "steps": f"a tenth after each of the epochs {list(self.milestones)}",
            "none": "then constant",
        }
        return {
            "optimizer": f"{name} momentum {self.momentum}, weight decay "
            f"{self.weight_decay}, gradient norm clipped at {self.clip}",
            "schedule": f"peak learning rate {self.learning_rate}, linear warm-up over "
            f"{self.warmup:.0%} of the steps, {falls[self.decay]}",
            "augmentation": f"horizontal flips, crops padded by {self.crop_padding} pixels",
        }

    def changed(self, changes: Mapping[str, Any]) -> "Recipe":
        """This recipe with some values in place of its own.

        Raises ValueError for unknown names and values that are no numbers where they should be.
        """
        unknown = set(changes) - {field.name for field in fields(Recipe)}
        if unknown:
            raise ValueError(f"unknown in a recipe: {', '.join(sorted(unknown))}")
        values: dict[str, Any] = {k: _like(getattr(self, k), v) for k, v in changes.items()}
        return replace(self, **values)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Recipe":
        """Reads what dataclasses.asdict wrote, of this version or an earlier one."""
        return Recipe(**{**content, "milestones": tuple(content.get("milestones", ()))})


def _like(own: object, value: Any) -> object:
    """A value of the type of the one that it replaces: YAML reads 1e-3 as a text."""
    return type(own)(value) if isinstance(own, float | int | tuple) else value
