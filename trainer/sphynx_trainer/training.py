"""Trains a network by a recipe, with a checkpoint and a line of the log after every epoch."""

import csv
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .augmentation import flip_and_crop
from .auxiliary import AuxiliaryHead, position
from .checkpoint import CHECKPOINT, Checkpoint, load_checkpoint
from .datasets import Dataset
from .evaluation import autocast, evaluate
from .networks.sphynx import SphynxConfig, SphynxNetwork
from .progress import Progress
from .recipes import Recipe

LOG = "log.csv"
LOG_COLUMNS = ("epoch", "seconds", "learning_rate", "train_loss", "train_accuracy", "test_accuracy")


class Run:
    """One training run in a folder: its network, optimizer and number of finished epochs."""

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        folder: Path,
        network: SphynxNetwork,
        auxiliary: AuxiliaryHead | None,
    ) -> None:
        self.recipe = recipe
        self.dataset = dataset
        self.folder = folder
        self.network = network
        self.auxiliary = auxiliary
        self.epoch = 0
        self.optimizer = torch.optim.SGD(
            self.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=True,
        )

    @staticmethod
    def start(config: SphynxConfig, recipe: Recipe, dataset: Dataset, folder: Path) -> "Run":
        """A fresh run. Raises FileExistsError rather than overwrite another run."""
        if (folder / CHECKPOINT).exists():
            raise FileExistsError(f"{folder} holds a run; continue it with --resume")
        torch.manual_seed(recipe.seed)
        network = SphynxNetwork(config).to(memory_format=torch.channels_last)
        auxiliary = AuxiliaryHead(config) if recipe.auxiliary_weight else None
        return Run(recipe, dataset, folder, network, auxiliary)

    @staticmethod
    def resume(dataset: Dataset, folder: Path) -> "Run":
        """The run in `folder` as its last checkpoint left it. Raises as load_checkpoint."""
        saved = load_checkpoint(folder, dataset)
        auxiliary = None
        if saved.auxiliary is not None:
            auxiliary = AuxiliaryHead(saved.config)
            auxiliary.load_state_dict(saved.auxiliary)
        run = Run(saved.recipe, dataset, folder, saved.build_network(), auxiliary)
        run.optimizer.load_state_dict(saved.optimizer)
        run.epoch = saved.epoch
        return run

    def parameters(self) -> list[nn.Parameter]:
        """Everything that is trained."""
        extra = self.auxiliary.parameters() if self.auxiliary else []
        return [*self.network.parameters(), *extra]

    def save(self) -> None:
        """Writes the checkpoint."""
        Checkpoint(
            config=self.network.config,
            recipe=self.recipe,
            dataset=self.dataset.name,
            epoch=self.epoch,
            network=self.network.state_dict(),
            optimizer=self.optimizer.state_dict(),
            auxiliary=self.auxiliary.state_dict() if self.auxiliary else None,
        ).save(self.folder / CHECKPOINT)


@dataclass
class _Totals:
    """Sums over the batches of an epoch."""

    batches: int = 0
    loss: float = 0.0
    images: int = 0
    hits: int = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        self.batches += 1
        self.loss += loss.item()
        self.images += len(labels)
        self.hits += int((logits.argmax(1) == labels).sum())


def train(run: Run, *, until: int | None = None, evaluate_every: int = 1) -> None:
    """Trains to the recipe's last epoch, or to epoch `until`.

    evaluate_every: epochs between measurements on the test split; the last is always measured.
    """
    last = run.recipe.epochs if until is None else until
    steps = len(run.dataset.train.labels) // run.recipe.batch
    progress = Progress(last * steps, run.epoch * steps)
    while run.epoch < last:
        began = time.monotonic()
        totals = _train_epoch(run, steps, progress)
        run.epoch += 1
        tested = ""
        if run.epoch % evaluate_every == 0 or run.epoch == run.recipe.epochs:
            network, recipe = run.network.eval(), run.recipe
            tested = f"{evaluate(network, run.dataset, run.dataset.test, recipe.precision):.4f}"
        row = (
            run.epoch,
            f"{time.monotonic() - began:.1f}",
            f"{run.optimizer.param_groups[0]['lr']:.5f}",
            f"{totals.loss / totals.batches:.4f}",
            f"{totals.hits / totals.images:.4f}",
            tested,
        )
        run.save()
        _log(run.folder / LOG, row)
        progress.line("  ".join(f"{k} {v}" for k, v in zip(LOG_COLUMNS, row, strict=True) if v))


def _train_epoch(run: Run, steps: int, progress: Progress) -> _Totals:
    """One pass over the training split, without the images that fill no whole batch.

    All randomness is drawn from the seed and the epoch's number, so a resumed run repeats it.
    """
    recipe, split = run.recipe, run.dataset.train
    epoch_seed = recipe.seed * 100_003 + run.epoch
    torch.manual_seed(epoch_seed)
    generator = torch.Generator().manual_seed(epoch_seed)
    order = torch.randperm(len(split.labels), generator=generator)[: steps * recipe.batch]
    run.network.train()
    for cell in run.network.cells:
        cell.drop_path = recipe.drop_path_at(run.epoch)
    totals = _Totals()
    for indices in order.split(recipe.batch):
        done = run.epoch * steps + totals.batches
        for group in run.optimizer.param_groups:
            group["lr"] = recipe.learning_rate_at(done, recipe.epochs * steps)
        images = run.dataset.normalise(split.images[indices])
        images = flip_and_crop(images, recipe.crop_padding, generator)
        totals.add(*_step(run, images, split.labels[indices]), split.labels[indices])
        mean_loss = totals.loss / totals.batches
        progress.update(done + 1, f"epoch {run.epoch + 1} loss {mean_loss:.3f}")
    return totals


def _step(run: Run, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """One optimizer step. Returns the loss and the logits."""
    recipe, network = run.recipe, run.network
    with autocast(recipe.precision):
        outputs = network.block_outputs(images.contiguous(memory_format=torch.channels_last))
        logits = network.head(outputs[-1])
        auxiliary = run.auxiliary(outputs[position(network.config)]) if run.auxiliary else None
    loss = F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
    if auxiliary is not None:
        loss = loss + recipe.auxiliary_weight * F.cross_entropy(auxiliary.float(), labels)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(run.parameters(), recipe.clip)
    run.optimizer.step()
    return loss, logits


def _log(path: Path, row: tuple[object, ...]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(LOG_COLUMNS)
        writer.writerow(row)
