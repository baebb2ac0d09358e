"""Decides how a run computes: as the command line says, or as is measured to be fastest."""

import sys
from dataclasses import asdict
from pathlib import Path

import torch

from ...networks.activations.places import activations
from ..evaluation import usual_precision
from ..run import Run
from .manner import Manner, cache_file, recall, remember
from .measure import fastest

FEW_STEPS = 1000
"""A training of fewer steps is over before a measurement would pay."""

SPEEDS = ("measured", "compiled", "eager")


def settle(run: Run, speed: str, threads: int | None) -> None:
    """Makes the run compute in its fastest manner, which is measured once per machine.

    speed: "compiled" and "eager" decide about torch.compile without measuring. threads: decided,
    or None. On GPUs, in several processes and for few steps nothing is measured.
    """
    recipe, execution = run.recipe, run.execution
    decided = None if recipe.precision == "auto" else recipe.precision
    steps = recipe.epochs * (len(run.kept) // recipe.batch)
    on_cpu = execution.device.type == "cpu" and execution.processes == 1
    if speed != "measured" or not on_cpu or steps < FEW_STEPS:
        manner = Manner(
            threads or torch.get_num_threads(),
            decided or usual_precision(execution.device.type),
            compile=speed == "compiled",
            channels_last=execution.channels_last,
        )
    else:
        manner = _measured(run, steps, decided, threads)
        _tell(f"trains in {manner}")
    run.adopt(manner)


def _measured(run: Run, steps: int, precision: str | None, threads: int | None) -> Manner:
    size, batch = run.dataset.image_size, run.recipe.batch
    kinds = sorted({type(module).__name__ for module in activations(run.network).values()})

    def answer(precision: str | None) -> Path:
        question = {
            "network": asdict(run.config),
            "family": type(run.config).__name__,
            "batch": batch,
            "precision": precision,
            "threads": threads,
            "activations": kinds,
            # Compiling pays in long trainings only; to the next power of two is near enough.
            "steps": steps.bit_length(),
        }
        return cache_file(question)

    known = recall(answer(precision))
    if known is not None:
        return known
    with torch.random.fork_rng():
        images = torch.randn(batch, 3, size, size)
        manner = fastest(
            run.network, images, steps, precision=precision, threads=threads, report=_tell
        )
    # A resumed run asks for the precision that was chosen.
    for asked in {precision, manner.precision}:
        remember(answer(asked), manner)
    return manner


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
