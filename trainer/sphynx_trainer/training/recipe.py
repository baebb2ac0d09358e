"""How a network is trained, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from math import ceil, cos, pi
from typing import Any, Self

import torch
from torch import nn

DECAYS = ("cosine", "steps", "late", "none")
RATE = "rate"
"""Key of an optimizer's group for its learning rate, as a multiple of the recipe's."""
LATE = 0.8
"""Share of the steps after which a late decay begins."""


@dataclass(frozen=True)
class Recipe:
    """How a run trains.

    With teachers the loss is label_weight * cross-entropy + distillation * the teachers' term.
    """

    name: str
    """Its name, for manifests and for people."""

    epochs: int
    """Passes over the training images that are not held out."""

    batch: int
    """Images per step, of all processes together."""

    learning_rate: float
    """Peak learning rate of a step."""

    warmup: float
    """Share of all steps in which the learning rate first rises linearly from a tenth."""

    momentum: float
    """Of SGD, by Nesterov; Adam's first coefficient."""

    weight_decay: float
    """As in torch.optim."""

    clip: float
    """Largest norm of all gradients together; longer ones are scaled down to it."""

    label_smoothing: float
    """Share of a label that is spread over all classes."""

    crop_padding: int
    """Pixels by which training images are shifted at most."""

    precision: str
    """Arithmetic: "fp32", "bf16" for convolutions, or "auto" for the faster one."""

    seed: int
    """Of the weights, the order of images, and how they are shown."""

    drop_path: float = 0.0
    """Chance that a cell's edge is left out for an image, after a linear rise from zero."""

    auxiliary_weight: float = 0.0
    """Weight of the loss of a second classifier two thirds in; 0 for no such classifier."""

    optimizer: str = "sgd"
    """Either "sgd", with Nesterov momentum, or "adam"."""

    decay: str = "cosine"
    """How the learning rate falls after the rise.

    "cosine": to zero along half a cosine; "steps": to a tenth after each of the epochs
    `milestones`; "late": linearly to zero in the last fifth; "none": never.
    """

    milestones: tuple[int, ...] = ()
    """Epochs after which a decay by "steps" divides the learning rate by ten."""

    average: float = 0.0
    """Share that a step keeps of a moving average of the weights; 0 for no average."""

    distillation: float = 1.0
    """Weight of the teachers' term in the loss."""

    temperature: float = 0.0
    """Temperature T of the teachers' term.

    At 0 the term is the squared error to the teachers' mean logits, summed over the classes. Above
    0 it is T^2 times the Kullback-Leibler divergence from their mean distribution at T.
    """

    label_weight: float = 1.0
    """Weight of the cross-entropy where there are teachers."""

    views: int = 0
    """Fixed ways to show each image, one an epoch in turns.

    The teachers' logits for them are kept on disk. After the first round the student sees the
    images changed a little (CHANGE in `epoch.py`). 0 draws new ways every epoch and runs the
    teachers beside the student.
    """

    held_out: int = 2000
    """Training images that are kept for choices; at most a tenth of all."""

    fixed_point_epochs: int = 0
    """Last epochs in which ReLUs read fixed-point numbers."""

    fixed_point_bits: int = 12
    """Bits of those numbers, sign included."""

    choice_rate: float = 1.0
    """Learning rate of the coefficients that choose ReLUs, as a multiple of all others'."""

    penalty: float = 0.0
    """Weight at first of the L1 penalty on the coefficients that choose ReLUs."""

    images: int = 0
    """How many of the training images are used, drawn once for all; 0 for all of them."""

    small_epochs: int = 0
    """First epochs, in which the student sees images of half the size: a quarter of the work."""

    mixing: float = 0.0
    """Share of the steps whose images show a rectangle of each other (CutMix).

    What labels and teachers say of both images then counts by their shares of the pixels.
    """

    unmixed_epochs: int = 0
    """Last epochs, in which no images are mixed: an image in use is not mixed either."""

    def __post_init__(self) -> None:
        if self.optimizer not in ("sgd", "adam"):
            raise ValueError(f"unknown optimizer {self.optimizer!r}; expected sgd or adam")
        if self.decay not in DECAYS:
            raise ValueError(f"unknown decay {self.decay!r}; expected one of {', '.join(DECAYS)}")
        if min(self.epochs, self.batch) < 1:
            raise ValueError(f"cannot train {self.epochs} epochs in batches of {self.batch}")
        if not 0 <= self.mixing <= 1:
            raise ValueError(f"{self.mixing} is no share of the steps; expected 0 to 1 (mixing)")
        if not 0 <= self.small_epochs < self.epochs:
            raise ValueError(
                f"of {self.epochs} epochs, {self.small_epochs} cannot have small images: "
                "the last must have whole ones (small_epochs)"
            )

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

    def is_small(self, epoch: int) -> bool:
        """Whether the student sees images of half the size in an epoch, counted from 0."""
        return epoch < self.small_epochs

    def mixing_at(self, epoch: int) -> float:
        """The share of an epoch's steps that mix images, counted from 0."""
        return 0.0 if epoch >= self.epochs - self.unmixed_epochs else self.mixing

    def decaying_after(self, epochs: float) -> Self:
        """This recipe with as many epochs as let a late decay begin after so many of them.

        A decay that has begun by then goes on. Raises ValueError for another kind of decay.
        """
        if self.decay != "late":
            raise ValueError(f"only a late decay can begin at will, not {self.decay!r}")
        if epochs >= LATE * self.epochs:
            return self
        decayed = max(1, ceil(epochs / LATE))
        # The decay is for whole images, however early it begins.
        small = min(self.small_epochs, ceil(epochs), decayed - 1)
        return replace(self, epochs=decayed, small_epochs=small)

    def description(self) -> dict[str, str]:
        """The recipe in words, for people who reproduce it elsewhere."""
        name = "SGD, Nesterov" if self.optimizer == "sgd" else "Adam,"
        falls = {
            "cosine": "then half a cosine to 0",
            "late": f"then constant, and linearly to 0 in the last {1 - LATE:.0%} of the steps",
            "steps": f"a tenth after each of the epochs {list(self.milestones)}",
            "none": "then constant",
        }
        small = ""
        if self.small_epochs:
            small = f"; half the size in the first {self.small_epochs} epochs"
        mixing = ""
        if self.mixing:
            mixing = f"; CutMix in {self.mixing:.0%} of the steps"
            if self.unmixed_epochs:
                mixing += f", not in the last {self.unmixed_epochs} epochs"
        return {
            "optimizer": f"{name} momentum {self.momentum}, weight decay "
            f"{self.weight_decay}, gradient norm clipped at {self.clip}",
            "schedule": f"peak learning rate {self.learning_rate}, linear warm-up over "
            f"{self.warmup:.0%} of the steps, {falls[self.decay]}",
            "augmentation": f"horizontal flips, crops padded by {self.crop_padding} "
            f"pixels{small}{mixing}",
        }

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """This recipe with some values in place of its own.

        Raises ValueError for unknown names and values that are no numbers where they should be.
        """
        unknown = set(changes) - {field.name for field in fields(Recipe)}
        if unknown:
            raise ValueError(f"unknown in a recipe: {', '.join(sorted(unknown))}")
        values: dict[str, Any] = {k: _like(getattr(self, k), v) for k, v in changes.items()}
        return replace(self, **values)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Reads what dataclasses.asdict wrote, of this version or an earlier one."""
        return cls(**{**content, "milestones": tuple(content.get("milestones", ()))})


def _like(own: object, value: Any) -> object:
    """A value of the type of the one that it replaces: YAML reads 1e-3 as a text."""
    return type(own)(value) if isinstance(own, float | int | tuple) else value
