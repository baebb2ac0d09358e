"""Measure what the ReLUs of each stage of a trained network are worth."""

import argparse
import json
from pathlib import Path

from ...data import Dataset
from ...networks.activations.places import places
from ...reduction.criticality import criticality, most_critical_first, relus_of_stages
from ...reduction.deepreduce import reduce_relus
from ...training import Run
from ...training.checkpoint import CHECKPOINT, Checkpoint, load_checkpoint
from ...training.execution import Execution
from ...training.loop import held_out_accuracy
from ...training.recipes import FINE_TUNE
from ..options.data import chosen_dataset
from ..options.training import (
    add_training_arguments,
    chosen_recipe,
    resumed_run,
    train_as_asked,
    with_execution,
)

RESULT = "criticality.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's options. The recipe is that of every stage's training."""
    parser.add_argument("source", type=Path, help="the trained network's run; it is the teacher")
    parser.add_argument("folder", type=Path, help="holds a run per stage, and the result")
    add_training_arguments(parser)


def run(options: argparse.Namespace) -> None:
    """Trains one network per stage and one without ReLUs; prints the order of the stages."""

    def work(execution: Execution) -> None:
        dataset = chosen_dataset(options)
        saved = load_checkpoint(options.source, dataset)
        relus = relus_of_stages(places(saved.build_network(), dataset.image_size))
        none, *accuracies = (
            100 * _accuracy(options, saved, dataset, stage, len(relus), execution)
            for stage in range(len(relus) + 1)
        )
        values = [
            criticality(accuracy, none, count)
            for accuracy, count in zip(accuracies, relus, strict=True)
        ]
        if execution.leads:
            _report(options.folder, relus, none, accuracies, values)

    with_execution(options, work)


def _accuracy(
    options: argparse.Namespace,
    saved: Checkpoint,
    dataset: Dataset,
    stage: int,
    stages: int,
    execution: Execution,
) -> float:
    """Held-out accuracy, 0..1, of the network that keeps one stage's ReLUs; of none for 0."""
    folder = options.folder / f"stage-{stage}"
    if options.resume and (folder / CHECKPOINT).exists():
        run = resumed_run(options, dataset, folder, execution)
    else:
        network = saved.build_network()
        others = [number for number in range(1, stages + 1) if number != stage]
        reduce_relus(network, dataset.image_size, cull=others, thin=[])
        recipe = chosen_recipe(options, FINE_TUNE)
        run = Run.begin(saved.config, network, recipe, dataset, folder, execution)
        run.earlier = saved.history
        run.learn_from([str(options.source)])
    train_as_asked(run, options)
    return held_out_accuracy(run)


def _report(
    folder: Path, relus: list[int], none: float, accuracies: list[float], values: list[float]
) -> None:
    """Writes the result and prints it."""
    order = most_critical_first(values)
    rows = [
        {"stage": stage, "relus": count, "accuracy": accuracy, "criticality": value}
        for stage, (count, accuracy, value) in enumerate(
            zip(relus, accuracies, values, strict=True), start=1
        )
    ]
    content = {"accuracyWithoutRelus": none, "stages": rows, "order": order}
    (folder / RESULT).write_text(json.dumps(content, indent=2) + "\n")
    print(f"without ReLUs: {none:.2f}% of the held-out images")
    for row in rows:
        print(
            f"stage {row['stage']}: {row['relus']} ReLUs, {row['accuracy']:.2f}%, "
            f"criticality {row['criticality']:.3f}"
        )
    print(f"most critical first: --order {' '.join(map(str, order))}")
