"""Finds the fastest manner by training a few steps in each."""

import copy
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..evaluation import autocast
from .manner import Manner

STEPS = 3
"""Measured steps of a manner, after one that is not; the quickest counts."""
HOPELESS = 4.0
"""A manner whose first step takes so many times the best one's step is not measured further. A
processor without instructions for bfloat16 takes minutes for what float32 does in seconds."""
WORTH_COMPILING = 1800.0
"""Seconds of eager training from which on the minutes of a compilation pay."""

Report = Callable[[str], None]
Step = Callable[[], float]
"""Computes a step of training. Returns its seconds."""
Prepare = Callable[[nn.Module, Tensor, Manner], AbstractContextManager[Step]]
"""(module, images, manner) -> a step in this manner, which may be computed inside the context."""


def fastest(
    module: nn.Module,
    images: Tensor,
    steps: int,
    *,
    precision: str | None,
    threads: int | None,
    report: Report,
    prepare: Prepare | None = None,
) -> Manner:
    """The manner in which a step of the module takes least time on this CPU.

    module: images -> logits; it is left as it is. steps: of the whole training. precision,
    threads: what is decided already. Each choice is made with those before it fixed: threads,
    then precision, then the memory order where both are safe, then compilation, if a C++ compiler
    is there and the training is long enough.
    """
    trial = _Trial(module, images, prepare or prepared, report)
    cores = os.cpu_count() or 1
    last = channels_last_is_safe()
    trial.take(Manner(threads or 1, precision or "fp32", compile=False, channels_last=last))
    if threads is None and cores > 1:
        trial.consider(threads=cores)
    if precision is None:
        trial.consider(precision="bf16")
    if last:
        trial.consider(channels_last=False)
    if trial.seconds * steps < WORTH_COMPILING:
        return trial.best
    if missing := compiler_missing():
        report(f"not compiled: {missing}")
        return trial.best
    trial.consider(compile=True)
    return trial.best


class _Trial:
    """The best manner so far and the seconds of its quickest step."""

    best: Manner
    seconds: float

    def __init__(self, module: nn.Module, images: Tensor, prepare: Prepare, report: Report) -> None:
        self.module, self.images, self.prepare, self.report = module, images, prepare, report
        self.seconds = inf

    def consider(self, **changes: Any) -> None:
        """Takes the best manner with these changes if it is quicker."""
        manner = replace(self.best, **changes)
        try:
            self.take(manner)
        except RuntimeError as error:
            self.report(f"{manner}: fails, {str(error).splitlines()[0]}")

    def take(self, manner: Manner) -> None:
        """Measures a manner, and takes it if it is quicker than the best. Raises RuntimeError."""
        with self.prepare(self.module, self.images, manner) as step:
            first = step()
            # The first step of a compiled network is its compilation; the next one tells.
            if manner.compile:
                first = step()
            if first > HOPELESS * self.seconds:
                self.report(f"{manner}: given up after a step of {first:.3f} s")
                return
            seconds = min(step() for _ in range(STEPS))
        self.report(f"{manner}: {seconds:.3f} s a step")
        if seconds < self.seconds:
            self.best, self.seconds = manner, seconds


def channels_last_is_safe() -> bool:
    """Whether this CPU can train in channels last.

    PyTorch 2.13's backward pass of narrow networks writes out of bounds without AVX-512.
    """
    return torch.backends.cpu.get_cpu_capability() == "AVX512"


def compiler_missing() -> str | None:
    """Why torch.compile cannot work on a CPU here; None if it can."""
    for name in (os.environ.get("CXX"), "g++", "clang++"):
        if name and shutil.which(name):
            return None
    return "it needs a C++ compiler, such as g++"


@contextmanager
def prepared(module: nn.Module, images: Tensor, manner: Manner) -> Iterator[Step]:
    """Steps, forward and backward, of a copy of the module."""
    before = torch.get_num_threads()
    torch.set_num_threads(manner.threads)
    order = torch.channels_last if manner.channels_last else torch.contiguous_format
    student: nn.Module = copy.deepcopy(module).train().to(memory_format=order)  # type: ignore[call-overload]
    images = images.contiguous(memory_format=order)
    labels = torch.zeros(len(images), dtype=torch.int64)
    run = torch.compile(student) if manner.compile else student

    def step() -> float:
        began = time.perf_counter()
        with autocast(manner.precision):
            logits = run(images)
        F.cross_entropy(logits.float(), labels).backward()
        return time.perf_counter() - began

    try:
        yield step
    finally:
        torch.set_num_threads(before)
