"""A trained network that others learn from: a run of ours, an ONNX file or public weights."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from torch import Tensor, nn

from ...data import Dataset
from ...networks.base.graph_from_onnx import MODEL, read_graph
from ...networks.plain.network import PlainNetwork
from ..checkpoint import CHECKPOINT, load_checkpoint
from ..execution import Execution
from .densenet import DenseNetBC100
from .onnx_file import read_onnx
from .resnet56 import ResNet56

CHUNK = 32
"""Images at a time: the maps of more leave a CPU's caches, and DenseNet takes twice as long."""

ORDER = torch.channels_last
"""Of maps in memory: DenseNet computes up to 1.7 times as many images a second in it."""


@dataclass(frozen=True)
class PublicNetwork:
    """An architecture whose weights others publish, and how its pixels (0..1) are normalised."""

    build: Callable[[int], nn.Module]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


PUBLIC = {
    "resnet56": PublicNetwork(ResNet56, (0.5070, 0.4865, 0.4409), (0.2673, 0.2564, 0.2761)),
    "densenet": PublicNetwork(DenseNetBC100, (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
}
"""By the name before the colon of `NAME:FILE`."""


class Renormalised(nn.Module):
    """A network that reads images normalised for a data set, whatever its own normalisation."""

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, public: PublicNetwork, dataset: Dataset) -> None:
        super().__init__()
        self.network = network
        theirs, ours = torch.tensor(public.std), torch.tensor(dataset.std)
        moved = (torch.tensor(dataset.mean) - torch.tensor(public.mean)) / theirs
        self.register_buffer("scale", (ours / theirs).view(1, 3, 1, 1))
        self.register_buffer("shift", moved.view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Returns the network's logits of images that are normalised for the data set."""
        logits: Tensor = self.network(images * self.scale + self.shift)
        return logits


class Teacher:
    """A frozen network. name: as the command line gave it; fingerprint: of its weights."""

    def __init__(self, name: str, network: nn.Module) -> None:
        self.name = name
        self.network = network.eval().requires_grad_(False)
        self.fingerprint = _fingerprint(self.network.state_dict())
        self.place(Execution())

    def place(self, execution: Execution) -> None:
        """Computes where a run does from now on, and compiled if the run is."""
        self.network.to(execution.device).to(memory_format=ORDER)  # type: ignore[call-overload]
        self.compiled = execution.compile
        self.computed = execution.compiled(self.network)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """[N, 3, S, S] images, normalised for the student's data set -> [N, classes] logits."""
        parts = [self._logits_of_chunk(part) for part in images.split(CHUNK)]
        return torch.cat(parts).float()

    def _logits_of_chunk(self, images: Tensor) -> Tensor:
        """Compiled code is for one number of images, so the last chunk is filled up."""
        count = len(images)
        if self.compiled and count < CHUNK:
            images = torch.cat((images, images.new_zeros(CHUNK - count, *images.shape[1:])))
        result: Tensor = self.computed(images.contiguous(memory_format=ORDER))
        return result[:count]


def load_teacher(name: str, dataset: Dataset) -> Teacher:
    """The teacher of that name.

    It is the folder of a run or of an exported model, an ONNX file, `resnet56:FILE` or
    `densenet:FILE`.

    An ONNX file reads images that are normalised for the student's data set.

    Raises ValueError for another name or other weights, OSError for a missing file.
    """
    kind, colon, file = name.partition(":")
    if colon and kind in PUBLIC:
        public = PUBLIC[kind]
        network = public.build(len(dataset.classes))
        state = _read_state(Path(file))
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"{file} does not hold the weights of a {kind}: {error}") from error
        return Teacher(name, Renormalised(network, public, dataset))
    if name.endswith(".onnx"):
        return Teacher(name, _from_onnx(Path(name)))
    if (Path(name) / MODEL).is_file():
        return Teacher(name, _from_onnx(Path(name) / MODEL))
    if (Path(name) / CHECKPOINT).exists():
        return Teacher(name, load_checkpoint(Path(name), dataset).build_network())
    raise ValueError(
        f"no teacher is called {name!r}; expected the folder of a run or of a model, FILE.onnx, "
        + " or ".join(f"{known}:FILE" for known in PUBLIC)
    )


def _from_onnx(file: Path) -> nn.Module:
    """A model in the form that `export` writes, whose convolutions are faster, or any other."""
    try:
        return PlainNetwork.of(read_graph(onnx.load(file)))
    except (ValueError, DecodeError):
        return read_onnx(file)


def _read_state(path: Path) -> dict[str, Tensor]:
    """A state dict, by itself or as the `state_dict` of a checkpoint. Runs no code."""
    content: Any = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(content, Mapping) and "state_dict" in content:
        content = content["state_dict"]
    return {str(key).removeprefix("module."): value for key, value in content.items()}


def _fingerprint(state: Mapping[str, Tensor]) -> str:
    """Sixteen hexadecimal digits that tell the weights of networks apart."""
    digest = hashlib.sha256()
    for name, value in state.items():
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
