"""A way to compute a step of training, and the best known one of this machine."""

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Manner:
    """How a machine computes a step.

    threads: of the CPU; precision: as of a recipe; compile: through torch.compile; channels_last:
    memory order of maps, channels fastest, or the default order.
    """

    threads: int
    precision: str
    compile: bool
    channels_last: bool

    def __str__(self) -> str:
        kind = "compiled" if self.compile else "eager"
        order = "channels last" if self.channels_last else "channels first"
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{self.precision}, {kind}, {order}, {threads}"


def cache_folder() -> Path:
    """Where measurements of this machine are kept; XDG_CACHE_HOME moves it."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "sphynx-trainer"


def cache_file(question: dict[str, Any]) -> Path:
    """The file of the answer to a question. It also depends on the machine and on PyTorch."""
    machine = [_processor(), os.cpu_count(), torch.__version__]
    text = json.dumps([machine, question], sort_keys=True, default=str)
    return cache_folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def remember(path: Path, manner: Manner) -> None:
    """Writes a manner down in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(asdict(manner)))
    partial.replace(path)


def recall(path: Path) -> Manner | None:
    """The manner that was written down, or None for nothing or for something else."""
    try:
        return Manner(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
