"""One training run: what it trains, how, and where it stands."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..data import Dataset
from ..networks.activations.masked_relu import choosing
from ..networks.base.classifier import Classifier
from ..networks.families import Config, build
from .auxiliary import AuxiliaryHead
from .average import Average
from .checkpoint import CHECKPOINT, Checkpoint, load_checkpoint
from .execution import Execution
from .recipe import Recipe
from .speed.manner import Manner
from .student import Student
from .teachers.teacher import Teacher, load_teacher
from .totals import Totals

HELD_OUT_SEED = 4_057


class Run:
    """One training run in a folder: its network, optimizer and number of finished epochs.

    Raises ValueError if the images do not fill a batch, or the processes cannot share it evenly.

    teachers: networks in evaluation mode whose logits the student learns. held_out: indices of the
    training images that are kept for choices; kept: the others. penalty: added to the loss of every
    batch. batch, totals: where a running epoch stands. earlier, extra, seconds: for the checkpoint.
    """

    def __init__(
        self,
        config: Config,
        recipe: Recipe,
        dataset: Dataset,
        folder: Path,
        network: Classifier,
        auxiliary: AuxiliaryHead | None = None,
        execution: Execution | None = None,
    ) -> None:
        self.config = config
        self.recipe = recipe
        self.dataset = dataset
        self.folder = folder
        self.execution = execution or Execution()
        if recipe.batch % self.execution.processes:
            raise ValueError(f"{self.execution.processes} processes cannot share {recipe.batch}")
        self.held_out, self.kept = held_out(
            len(dataset.train.labels), recipe.held_out, recipe.images
        )
        if recipe.batch > len(self.kept):
            raise ValueError(
                f"{len(self.kept)} training images do not fill a batch of {recipe.batch}"
            )
        self.network = network
        self.auxiliary = auxiliary
        for module in (network, auxiliary):
            if module is not None:
                self.execution.place(module)
        self.student = self.execution.wrap(Student(self.network, self.auxiliary))
        self.compiled_student = self.execution.compiled(self.student)
        self.average = Average(network, recipe.average) if recipe.average else None
        self.teachers: list[Teacher] = []
        self.logits_folder = folder / "teachers"
        self.penalty: Callable[[], Tensor] | None = None
        self.earlier: list[dict[str, Any]] = []
        self.extra: dict[str, Any] = {}
        self.epoch = 0
        self.batch = 0
        self.totals = Totals()
        self.seconds = 0.0
        self.random: Tensor | None = None
        self.optimizer = recipe.make_optimizer(self.parameters(), choosing(network))

    @classmethod
    def start(
        cls,
        config: Config,
        recipe: Recipe,
        dataset: Dataset,
        folder: Path,
        execution: Execution | None = None,
    ) -> Self:
        """A run of a network with fresh weights. Raises FileExistsError as `begin`."""
        torch.manual_seed(recipe.seed)
        return cls.begin(config, build(config), recipe, dataset, folder, execution)

    @classmethod
    def begin(
        cls,
        config: Config,
        network: Classifier,
        recipe: Recipe,
        dataset: Dataset,
        folder: Path,
        execution: Execution | None = None,
    ) -> Self:
        """A fresh run of a network, which may have been trained or masked before.

        Raises FileExistsError rather than overwrite another run.
        """
        if (folder / CHECKPOINT).exists():
            raise FileExistsError(f"{folder} holds a run; continue it with --resume")
        auxiliary = None
        if recipe.auxiliary_weight:
            auxiliary = AuxiliaryHead.of(network, dataset.image_size)
        return cls(config, recipe, dataset, folder, network, auxiliary, execution)

    @classmethod
    def resume(cls, dataset: Dataset, folder: Path, execution: Execution | None = None) -> Self:
        """The run in `folder` as its last checkpoint left it. Raises as load_checkpoint."""
        saved = load_checkpoint(folder, dataset)
        network = saved.build_network(averaged=False)
        auxiliary = None
        if saved.auxiliary is not None:
            auxiliary = AuxiliaryHead.of(network, dataset.image_size)
            auxiliary.load_state_dict(saved.auxiliary)
        run = cls(saved.config, saved.recipe, dataset, folder, network, auxiliary, execution)
        run.optimizer.load_state_dict(saved.optimizer)
        if run.average and saved.average:
            run.average.network.load_state_dict(saved.average)
        run.learn_from(saved.teachers)
        run.earlier = saved.earlier
        run.extra = saved.extra
        run.epoch, run.batch, run.random = saved.epoch, saved.batch, saved.random
        run.totals = Totals(**saved.totals)
        run.seconds = saved.seconds
        return run

    def learn_from(self, names: Iterable[str]) -> None:
        """Distils from these teachers too. Raises as load_teacher."""
        for name in names:
            teacher = load_teacher(name, self.dataset)
            teacher.place(self.execution)
            self.teachers.append(teacher)

    def adopt(self, manner: Manner) -> None:
        """Computes in this manner from now on."""
        torch.set_num_threads(manner.threads)
        self.recipe = replace(self.recipe, precision=manner.precision)
        self.execution = replace(
            self.execution, compile=manner.compile, channels_last=manner.channels_last
        )
        for module in (self.network, self.auxiliary):
            if module is not None:
                self.execution.place(module)
        for teacher in self.teachers:
            teacher.place(self.execution)
        self.compiled_student = self.execution.compiled(self.student)

    def change(self, recipe: Recipe) -> None:
        """Goes on by another recipe with the same kind of optimizer."""
        self.recipe = recipe

    def parameters(self) -> list[nn.Parameter]:
        """Everything that is trained."""
        extra = self.auxiliary.parameters() if self.auxiliary else []
        return [*self.network.parameters(), *extra]

    @property
    def best_network(self) -> Classifier:
        """The network to measure and to export: the average, if the recipe keeps one."""
        network = self.average.network if self.average else self.network
        assert isinstance(network, Classifier)
        return network.eval()

    def save(self) -> None:
        """Writes the checkpoint."""
        self.checkpoint.save(self.folder / CHECKPOINT)

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the run stands."""
        return Checkpoint(
            config=self.config,
            recipe=self.recipe,
            dataset=self.dataset.name,
            epoch=self.epoch,
            network=self.network.state_dict(),
            optimizer=self.optimizer.state_dict(),
            auxiliary=self.auxiliary.state_dict() if self.auxiliary else None,
            average=self.average.network.state_dict() if self.average else None,
            teachers=[teacher.name for teacher in self.teachers],
            earlier=self.earlier,
            extra=self.extra,
            batch=self.batch,
            totals=vars(self.totals),
            random=self.random,
            seconds=self.seconds,
        )


def held_out(images: int, wanted: int, used: int = 0) -> tuple[Tensor, Tensor]:
    """The indices of the held-out training images and of the others, both ascending.

    They depend on the two numbers alone, so all runs hold out the same ones. used: so many
    of the others at most; 0 for all of them.
    """
    count = min(wanted, images // 10)
    order = torch.randperm(images, generator=torch.Generator().manual_seed(HELD_OUT_SEED))
    return order[:count].sort().values, order[count : count + used if used else None].sort().values
