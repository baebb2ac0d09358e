"""One training run: what it trains, how, and where it stands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..auxiliary import AuxiliaryHead
from ..checkpoint import CHECKPOINT, Checkpoint, load_checkpoint
from ..datasets import Dataset
from ..execution import Execution
from ..networks.classifier import Classifier
from ..networks.families import Config, build
from ..recipe import Recipe
from .average import Average
from .student import Student


class Run:
    """One training run in a folder: its network, optimizer and number of finished epochs.

    Raises ValueError if the images do not fill a batch, or the processes cannot share it evenly.

    teacher: a network in evaluation mode whose logits the student regresses on, and the folder of
    its run. penalty: added to the loss of every batch. earlier, extra: for the checkpoint.
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
        images = len(dataset.train.labels)
        if recipe.batch > images:
            raise ValueError(f"{images} training images do not fill a batch of {recipe.batch}")
        self.network = network
        self.auxiliary = auxiliary
        for module in (network, auxiliary):
            if module is not None:
                self.execution.place(module)
        self.student = self.execution.wrap(Student(self.network, self.auxiliary))
        self.compiled_student = self.execution.compiled(self.student)
        self.average = Average(network, recipe.average) if recipe.average else None
        self.teacher: nn.Module | None = None
        self.teacher_folder: str | None = None
        self.penalty: Callable[[], Tensor] | None = None
        self.earlier: list[dict[str, Any]] = []
        self.extra: dict[str, Any] = {}
        self.epoch = 0
        self.optimizer = recipe.make_optimizer(self.parameters())

    @staticmethod
    def start(
        config: Config,
        recipe: Recipe,
        dataset: Dataset,
        folder: Path,
        execution: Execution | None = None,
    ) -> "Run":
        """A run of a network with fresh weights. Raises FileExistsError as `begin`."""
        torch.manual_seed(recipe.seed)
        return Run.begin(config, build(config), recipe, dataset, folder, execution)

    @staticmethod
    def begin(
        config: Config,
        network: Classifier,
        recipe: Recipe,
        dataset: Dataset,
        folder: Path,
        execution: Execution | None = None,
    ) -> "Run":
        """A fresh run of a network, which may have been trained or masked before.

        Raises FileExistsError rather than overwrite another run.
        """
        if (folder / CHECKPOINT).exists():
            raise FileExistsError(f"{folder} holds a run; continue it with --resume")
        auxiliary = None
        if recipe.auxiliary_weight:
            auxiliary = AuxiliaryHead.of(network, dataset.image_size)
        return Run(config, recipe, dataset, folder, network, auxiliary, execution)

    @staticmethod
    def resume(dataset: Dataset, folder: Path, execution: Execution | None = None) -> "Run":
        """The run in `folder` as its last checkpoint left it. Raises as load_checkpoint."""
        saved = load_checkpoint(folder, dataset)
        network = saved.build_network(averaged=False)
        auxiliary = None
        if saved.auxiliary is not None:
            auxiliary = AuxiliaryHead.of(network, dataset.image_size)
            auxiliary.load_state_dict(saved.auxiliary)
        run = Run(saved.config, saved.recipe, dataset, folder, network, auxiliary, execution)
        run.optimizer.load_state_dict(saved.optimizer)
        if run.average and saved.average:
            run.average.network.load_state_dict(saved.average)
        if saved.teacher:
            run.learn_from(Path(saved.teacher))
        run.earlier = saved.earlier
        run.extra = saved.extra
        run.epoch = saved.epoch
        return run

    def learn_from(self, folder: Path) -> None:
        """Distils from the network of the run in `folder`. Raises as load_checkpoint."""
        teacher = load_checkpoint(folder, self.dataset).build_network()
        self.execution.place(teacher)
        self.teacher = teacher.eval().requires_grad_(False)
        self.teacher_folder = str(folder)

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
            teacher=self.teacher_folder,
            earlier=self.earlier,
            extra=self.extra,
        )
