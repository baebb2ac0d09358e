"""Trains a network by a recipe, with a checkpoint and a line of the log after every epoch."""

import csv
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .augmentation import flip_and_crop
from .checkpoint import CHECKPOINT, Checkpoint, load_checkpoint
from .datasets import Dataset
from .evaluation import autocast, evaluate
from .network import Network, NetworkConfig
from .progress import Progress
from .recipes import Recipe

LOG = "log.csv"
LOG_COLUMNS = ("epoch", "seconds", "learning_rate", "train_loss", "train_accuracy", "test_accuracy")


@dataclass
class Run:
    """One training run in a folder: its network, optimizer and finished epochs."""

    config: NetworkConfig
    recipe: Recipe
    dataset: Dataset
    folder: Path
    network: Network
    optimizer: torch.optim.SGD
    epoch: int = 0

    @staticmethod
    def start(config: NetworkConfig, recipe: Recipe, dataset: Dataset, folder: Path) -> "Run":
        """A fresh run. Raises FileExistsError rather than overwrite another run."""
        if (folder / CHECKPOINT).exists():
            raise FileExistsError(f"{folder} holds a run; continue it with --resume")
        torch.manual_seed(recipe.seed)
        network = Network(config).to(memory_format=torch.channels_last)
        return Run(config, recipe, dataset, folder, network, _optimizer(network, recipe))

    @staticmethod
    def resume(dataset: Dataset, folder: Path) -> "Run":
        """The run in `folder` as its last checkpoint left it. Raises as load_checkpoint."""
        saved = load_checkpoint(folder, dataset)
        network = saved.build_network()
        optimizer = _optimizer(network, saved.recipe)
        optimizer.load_state_dict(saved.optimizer)
        return Run(saved.config, saved.recipe, dataset, folder, network, optimizer, saved.epoch)

    def checkpoint(self) -> Checkpoint:
        """The state to save."""
        return Checkpoint(
            config=self.config,
            recipe=self.recipe,
            dataset=self.dataset.name,
            epoch=self.epoch,
            network=self.network.state_dict(),
            optimizer=self.optimizer.state_dict(),
        )


def train(run: Run, *, until: int | None = None, evaluate_every: int = 1) -> None:
    """Trains to the recipe's last epoch, or to epoch `until`."""
    steps_per_epoch = len(run.dataset.train.labels) // run.recipe.batch
    last = run.recipe.epochs if until is None else until
    progress = Progress(last * steps_per_epoch, run.epoch * steps_per_epoch)
    while run.epoch < last:
        began = time.monotonic()
        loss, accuracy, rate = _train_epoch(run, steps_per_epoch, progress)
        run.epoch += 1
        tested = ""
        if run.epoch % evaluate_every == 0 or run.epoch == run.recipe.epochs:
            run.network.eval()
            share = evaluate(run.network, run.dataset, run.dataset.test, run.recipe.precision)
            tested = f"{share:.4f}"
        seconds = time.monotonic() - began
        row = (run.epoch, f"{seconds:.1f}", f"{rate:.5f}", f"{loss:.4f}", f"{accuracy:.4f}", tested)
        run.checkpoint().save(run.folder / CHECKPOINT)
        _log(run.folder / LOG, row)
        progress.line("  ".join(f"{k} {v}" for k, v in zip(LOG_COLUMNS, row, strict=True) if v))


def _train_epoch(run: Run, steps: int, progress: Progress) -> tuple[float, float, float]:
    """One pass over the data. Returns mean loss, accuracy and the last learning rate.

    All randomness is drawn from the seed and the epoch's number, so a resumed run repeats it.
    """
    recipe, network, split = run.recipe, run.network, run.dataset.train
    torch.manual_seed(recipe.seed * 100_003 + run.epoch)
    generator = torch.Generator().manual_seed(recipe.seed * 100_003 + run.epoch)
    order = torch.randperm(len(split.labels), generator=generator)[: steps * recipe.batch]
    network.train()
    loss_sum, hits, rate = 0.0, 0, 0.0
    for step, indices in enumerate(order.split(recipe.batch)):
        done = run.epoch * steps + step
        rate = recipe.learning_rate_at(done, recipe.epochs * steps)
        for group in run.optimizer.param_groups:
            group["lr"] = rate
        images = run.dataset.normalise(split.images[indices])
        images = flip_and_crop(images, recipe.crop_padding, generator)
        loss, correct = _step(network, run.optimizer, recipe, images, split.labels[indices])
        loss_sum, hits = loss_sum + loss, hits + correct
        progress.update(done + 1, f"epoch {run.epoch + 1} loss {loss_sum / (step + 1):.3f}")
    return loss_sum / steps, hits / len(order), rate


def _step(
    network: nn.Module, optimizer: torch.optim.SGD, recipe: Recipe, images: Tensor, labels: Tensor
) -> tuple[float, int]:
    """One optimizer step. Returns the loss and the number of images classified correctly."""
    with autocast(recipe.precision):
        logits = network(images.contiguous(memory_format=torch.channels_last))
    loss = F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
    optimizer.step()
    return loss.item(), int((logits.argmax(1) == labels).sum())


def _optimizer(network: Network, recipe: Recipe) -> torch.optim.SGD:
    return torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )


def _log(path: Path, row: tuple[object, ...]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(LOG_COLUMNS)
        writer.writerow(row)
