"""Finds the fastest manner by training a few steps in each."""

import copy
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..evaluation import autocast
from .manner import Manner

STEPS = 3
"""Measured steps of a manner, after one that is not; the quickest counts."""
WORTH_COMPILING = 1800.0
"""Seconds of eager training from which on the minutes of a compilation pay."""

Report = Callable[[str], None]
Timer = Callable[[nn.Module, Tensor, Manner], float]
"""(module, images, manner) -> seconds of a step."""


def fastest(
    module: nn.Module,
    images: Tensor,
    steps: int,
    *,
    precision: str | None,
    threads: int | None,
    report: Report,
    timer: Timer | None = None,
) -> Manner:
    """The manner in which a step of the module takes least time on this CPU.

    module: images -> logits; it is left as it is. steps: of the whole training. precision,
    threads: what is decided already. Each choice is made with those before it fixed: threads,
    then precision, then the memory order, then compilation, if a C++ compiler is there and the
    training is long enough.
    """
    measure = timer or seconds_of_step
    cores = os.cpu_count() or 1
    best = Manner(threads or 1, precision or "bf16", compile=False, channels_last=True)
    took = measure(module, images, best)
    report(f"{best}: {took:.3f} s a step")
    choices: list[Callable[[Manner], Manner]] = []
    if threads is None and cores > 1:
        choices.append(lambda manner: replace(manner, threads=cores))
    if precision is None:
        choices.append(lambda manner: replace(manner, precision="fp32"))
    choices.append(lambda manner: replace(manner, channels_last=False))
    for choice in choices:
        best, took = _better(module, images, best, took, choice(best), measure, report)
    if took * steps < WORTH_COMPILING:
        return best
    if missing := compiler_missing():
        report(f"not compiled: {missing}")
        return best
    best, _ = _better(module, images, best, took, replace(best, compile=True), measure, report)
    return best


def _better(
    module: nn.Module,
    images: Tensor,
    best: Manner,
    took: float,
    other: Manner,
    measure: Timer,
    report: Report,
) -> tuple[Manner, float]:
    """The quicker of two manners and its seconds a step."""
    try:
        seconds = measure(module, images, other)
    except RuntimeError as error:
        report(f"{other}: fails, {str(error).splitlines()[0]}")
        return best, took
    report(f"{other}: {seconds:.3f} s a step")
    return (other, seconds) if seconds < took else (best, took)


def compiler_missing() -> str | None:
    """Why torch.compile cannot work on a CPU here; None if it can."""
    for name in (os.environ.get("CXX"), "g++", "clang++"):
        if name and shutil.which(name):
            return None
    return "it needs a C++ compiler, such as g++"


def seconds_of_step(module: nn.Module, images: Tensor, manner: Manner) -> float:
    """The quickest of a few steps, forward and backward, of a copy of the module."""
    before = torch.get_num_threads()
    torch.set_num_threads(manner.threads)
    order = torch.channels_last if manner.channels_last else torch.contiguous_format
    student: nn.Module = copy.deepcopy(module).train().to(memory_format=order)  # type: ignore[call-overload]
    images = images.contiguous(memory_format=order)
    labels = torch.zeros(len(images), dtype=torch.int64)
    run = torch.compile(student) if manner.compile else student
    times = []
    try:
        for _ in range(1 + STEPS):
            began = time.perf_counter()
            with autocast(manner.precision):
                logits = run(images)
            F.cross_entropy(logits.float(), labels).backward()
            times.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(before)
    return min(times[1:])
