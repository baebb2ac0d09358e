"""Where a run computes: the CPU or GPUs, in one process or in several under torchrun."""

import os
from dataclasses import dataclass
from typing import Self, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Execution:
    """One process's place. rank 0 of `processes` leads: it alone writes files and reports.

    compile: through torch.compile; channels_last: the order of maps in memory, unless it is
    measured that of GPUs alone (`speed/measure.py` tells why).
    """

    device: torch.device = CPU
    rank: int = 0
    processes: int = 1
    compile: bool = False
    channels_last: bool = False

    @classmethod
    def detect(cls, device: str | None = None) -> Self:
        """A GPU if there is one. Under torchrun this process joins the others, who all call this.

        device: as torch names it, in place of the detected one. Raises ValueError.
        """
        local = int(os.environ.get("LOCAL_RANK", "0"))
        name = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            place = torch.device(name)
        except RuntimeError as error:
            raise ValueError(f"unknown device {name!r}") from error
        if place.type == "cuda":
            if not torch.cuda.is_available():
                raise ValueError(f"PyTorch finds no GPU for {name!r}")
            place = torch.device("cuda", local if place.index is None else place.index)
            torch.cuda.set_device(place)
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        if "WORLD_SIZE" not in os.environ:
            return cls(place, channels_last=place.type != "cpu")
        distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
        return cls(
            place,
            distributed.get_rank(),
            distributed.get_world_size(),
            channels_last=place.type != "cpu",
        )

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    @property
    def order(self) -> torch.memory_format:
        """The order of maps and kernels in memory."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def place(self, module: nn.Module) -> None:
        """Moves a module's tensors to the device, in their order."""
        module.to(self.device).to(memory_format=self.order)  # type: ignore[call-overload]

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module, with its gradients averaged over the processes."""
        if self.processes > 1:
            module = DistributedDataParallel(
                module, device_ids=[self.device] if self.device.type == "cuda" else None
            )
        return module

    def compiled(self, module: nn.Module) -> nn.Module:
        """The module through torch.compile, if that was asked for.

        Training knows few shapes (of small images and of whole ones), so each gets code of its own.
        """
        return cast(nn.Module, torch.compile(module, dynamic=False)) if self.compile else module

    def share(self, indices: Tensor) -> Tensor:
        """This process's part of the indices: every `processes`th."""
        return indices[self.rank :: self.processes]

    def total(self, values: list[float]) -> list[float]:
        """The values, summed over all processes."""
        if self.processes == 1:
            return values
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(sums)
        return cast(list[float], sums.tolist())

    def close(self) -> None:
        """Leaves the other processes."""
        if self.processes > 1:
            distributed.destroy_process_group()
