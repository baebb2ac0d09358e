"""Bilevel search (algorithm 1; DARTS): a step for the weights, one for the architecture.

In a search of second order the architecture moves first, as in DARTS's published code. The training
split is halved: one half trains the weights, the other the architecture. A search
is a folder; it continues after its last finished epoch.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, distributed
from torch.nn import functional as F

from ..data import Dataset
from ..data.augmentation import flip_and_crop
from ..training.descent import Descent, DivergedError
from ..training.evaluation import autocast
from ..training.execution import Execution
from .recipe import SearchRecipe
from .searchable import Searchable
from .unrolled import unrolled_gradients

Batch = tuple[Tensor, Tensor]
"""Images and labels."""

STATE = "search.pt"
"""The file's name in the folder of a search."""


class BilevelSearch:
    """One search: its network, both optimizers and the number of finished epochs.

    Raises ValueError for a batch that the data or the processes cannot share.
    """

    def __init__(
        self,
        network: Searchable,
        recipe: SearchRecipe,
        dataset: Dataset,
        folder: Path,
        execution: Execution | None = None,
    ) -> None:
        self.execution = execution or Execution()
        self.network = network.to(self.execution.device)
        self.recipe, self.dataset, self.folder = recipe, dataset, folder
        self.epoch = 0
        self.weights, self.architecture = network.weights(), network.architecture()
        self.weight_optimizer = torch.optim.SGD(
            self.weights,
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=True,
        )
        self.architecture_optimizer = torch.optim.Adam(
            self.architecture,
            lr=recipe.architecture_learning_rate,
            betas=recipe.architecture_betas,
            weight_decay=recipe.architecture_weight_decay,
        )
        self.weight_descent = Descent(network, self.weight_optimizer, self.weights, recipe.clip)
        self.architecture_descent = Descent(network, self.architecture_optimizer, self.architecture)
        order = torch.randperm(len(dataset.train.labels), generator=_generator(recipe.seed))
        if recipe.images:
            order = order[: recipe.images]
        self.halves = order.tensor_split(2)
        if recipe.batch % self.execution.processes:
            raise ValueError(
                f"a batch of {recipe.batch} does not divide among "
                f"{self.execution.processes} processes"
            )
        if recipe.batch > len(self.halves[1]):
            raise ValueError(
                f"a batch of {recipe.batch} is more than half of the {len(order)} images"
            )

    def run(self, after_epoch: Callable[["BilevelSearch", float], None]) -> None:
        """Searches to the recipe's last epoch.

        after_epoch: called in the leading process with the mean loss on the validation half.
        """
        while self.epoch < self.recipe.epochs:
            loss = self._run_epoch()
            self.epoch += 1
            if self.execution.leads:
                self.save()
                after_epoch(self, loss)

    def _run_epoch(self) -> float:
        """One pass over both halves. All randomness is drawn from the seed and the epoch.

        Returns the mean loss on the validation half. Raises DivergedError if no pair of steps had
        finite gradients.
        """
        recipe, place = self.recipe, self.execution
        seed = recipe.seed * 100_003 + self.epoch
        torch.manual_seed(seed)
        generator = _generator(seed)
        steps = len(self.halves[1]) // recipe.batch
        orders = [half[torch.randperm(len(half), generator=generator)] for half in self.halves]
        generator.manual_seed(seed + place.rank)
        streams = [
            self.dataset.train.batches(
                place.share(order[: steps * recipe.batch]), recipe.batch // place.processes, seed
            )
            for order in orders
        ]
        for group in self.weight_optimizer.param_groups:
            group["lr"] = recipe.learning_rate_at(self.epoch)
        self.network.train()
        losses: list[float] = []
        for step, (training, validation) in enumerate(zip(*streams, strict=True)):
            self.network.begin_step((self.epoch + step / steps) / recipe.epochs)
            batches = [self._shown(batch, generator) for batch in (training, validation)]
            if recipe.order == 2:
                loss = self._unrolled_step(*batches)
                trained = self._step(batches[0], self.weight_descent)
            else:
                trained = self._step(batches[0], self.weight_descent)
                loss = self._step(batches[1], self.architecture_descent)
            if trained is not None and loss is not None:
                losses.append(loss)
        if not losses:
            raise DivergedError(self.epoch + 1, steps)
        if len(losses) < steps and place.leads:
            print(f"epoch {self.epoch + 1}: skipped {steps - len(losses)} steps", file=sys.stderr)
        return place.total([sum(losses)])[0] / len(losses) / place.processes

    def _shown(self, batch: Batch, generator: Generator) -> Batch:
        """A batch on the device, normalised, flipped and shifted."""
        device = self.execution.device
        images = self.dataset.normalise(batch[0].to(device, non_blocking=True))
        images = flip_and_crop(images, self.recipe.crop_padding, generator)
        return images, batch[1].to(device, non_blocking=True)

    def _step(self, batch: Batch, descent: Descent) -> float | None:
        """Trains the descent's parameters on one batch; the others get no gradient.

        Returns the loss, or None for a step that was skipped.
        """
        self._train_only(descent)
        descent.remember()
        loss = self._loss(batch)
        descent.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._average(
            [each.grad for each in descent.parameters if each.grad is not None],
        )
        return loss.item() if descent.step() else None

    def _unrolled_step(self, training: Batch, validation: Batch) -> float | None:
        """Trains the architecture by its gradient of second order. Returns as `_step`."""
        descent, losses = self.architecture_descent, []

        def validate() -> Tensor:
            losses.append(self._loss(validation))
            return losses[-1]

        self._train_only(self.weight_descent, descent)
        descent.remember()
        gradients = unrolled_gradients(
            lambda: self._loss(training),
            validate,
            self.weight_optimizer,
            self.architecture,
            self._average,
        )
        for parameter, gradient in zip(self.architecture, gradients, strict=True):
            parameter.grad = gradient
        return losses[0].item() if descent.step() else None

    def _train_only(self, *chosen: Descent) -> None:
        """Lets gradients flow to the parameters of these descents alone."""
        for each in (self.weight_descent, self.architecture_descent):
            for parameter in each.parameters:
                parameter.requires_grad_(each in chosen)

    def _loss(self, batch: Batch) -> Tensor:
        """The cross-entropy of a batch."""
        images, labels = batch
        with autocast(self.recipe.precision, images.device.type):
            logits = self.network(images)
        return F.cross_entropy(logits.float(), labels)

    def _average(self, gradients: Sequence[Tensor]) -> None:
        """Over all processes, which drew the same branches and so have the same gradients set."""
        if self.execution.processes == 1:
            return
        for gradient in gradients:
            distributed.all_reduce(gradient)
            gradient /= self.execution.processes

    def save(self) -> None:
        """Replaces the state on disk in one step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = (self.folder / STATE).with_suffix(".partial")
        content = {"recipe": asdict(self.recipe), "epoch": self.epoch}
        content |= {name: part.state_dict() for name, part in self._parts().items()}
        torch.save(content, partial)
        os.replace(partial, self.folder / STATE)

    def begin(self, *, resume: bool) -> None:
        """Continues the folder's search or makes sure that there is none.

        Raises FileExistsError rather than overwrite another search, ValueError for one by
        another recipe, FileNotFoundError if there is none to continue.
        """
        if resume:
            self._load()
        elif (self.folder / STATE).exists():
            raise FileExistsError(f"{self.folder} holds a search; continue it with --resume")

    def _load(self) -> None:
        content = torch.load(self.folder / STATE, map_location="cpu", weights_only=True)
        if SearchRecipe(**content["recipe"]) != self.recipe:
            raise ValueError(f"{self.folder} holds a search by another recipe")
        for name, part in self._parts().items():
            part.load_state_dict(content[name])
        self.epoch = content["epoch"]

    def _parts(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "weight_optimizer": self.weight_optimizer,
            "architecture_optimizer": self.architecture_optimizer,
        }


def _generator(seed: int) -> Generator:
    return Generator().manual_seed(seed)
