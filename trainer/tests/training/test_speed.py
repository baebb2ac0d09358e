import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.data import synthetic
from sphynx_trainer.networks.families import build, count
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet32Config
from sphynx_trainer.training import Run
from sphynx_trainer.training.recipes import CPU
from sphynx_trainer.training.speed import measure
from sphynx_trainer.training.speed.manner import Manner, cache_file, recall, remember
from sphynx_trainer.training.speed.measure import (
    HOPELESS,
    STEPS,
    Prepare,
    Step,
    compiler_missing,
    fastest,
    prepared,
)
from sphynx_trainer.training.speed.peak import multiplications_per_image, share_of_peak
from sphynx_trainer.training.speed.settle import settle

IMAGES = torch.zeros(2, 3, 16, 16)
MODULE = nn.Identity()
TINY = SphynxConfig(1, 2, (0,), image_size=16, classes=4)


def timed(cost: Callable[[Manner], float], asked: list[Manner]) -> Prepare:
    """Steps that say what they cost. asked: gets the manner of each."""

    @contextmanager
    def prepare(module: nn.Module, images: Tensor, manner: Manner) -> Iterator[Step]:
        def step() -> float:
            asked.append(manner)
            return cost(manner)

        yield step

    return prepare


def choose(prepare: Prepare, **decided: object) -> Manner:
    options = {"precision": None, "threads": None, **decided}
    return fastest(MODULE, IMAGES, 10**6, report=lambda text: None, prepare=prepare, **options)  # type: ignore[arg-type]


def test_the_fastest_manner_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(measure, "compiler_missing", lambda: None)
    monkeypatch.setattr(measure, "channels_last_is_safe", lambda: True)

    def cost(manner: Manner) -> float:
        slow = 8 / manner.threads + 3 * (manner.precision == "bf16") + 2 * manner.channels_last
        return slow + (0 if manner.compile else 1)

    assert choose(timed(cost, [])) == Manner(8, "fp32", compile=True, channels_last=False)
    assert choose(timed(lambda manner: 20 - cost(manner), [])) == Manner(
        1, "bf16", compile=False, channels_last=True
    )


def test_what_is_decided_is_not_measured() -> None:
    asked: list[Manner] = []
    choose(timed(lambda manner: 1, asked), precision="fp32", threads=3)
    assert {(manner.precision, manner.threads) for manner in asked} == {("fp32", 3)}


def test_without_a_compiler_it_says_so_and_trains_eagerly(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    reason = compiler_missing()
    assert reason is not None
    said: list[str] = []
    manner = fastest(
        MODULE,
        IMAGES,
        10**6,
        precision="fp32",
        threads=1,
        report=said.append,
        prepare=timed(lambda manner: 0 if manner.compile else 1, []),
    )
    assert not manner.compile
    assert f"not compiled: {reason}" in said


def test_an_order_of_maps_that_is_not_safe_is_not_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Manner] = []
    for safe in (False, True):
        asked.clear()
        monkeypatch.setattr(measure, "channels_last_is_safe", lambda safe=safe: safe)
        choose(timed(lambda manner: 1, asked), precision="fp32", threads=1)
        assert {manner.channels_last for manner in asked} == ({True, False} if safe else {False})


def test_a_manner_that_fails_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "compiler_missing", lambda: None)
    monkeypatch.setattr(measure, "channels_last_is_safe", lambda: True)

    def cost(manner: Manner) -> float:
        if manner.compile or not manner.channels_last:
            raise RuntimeError("no such kernel")
        return 1

    chosen = choose(timed(cost, []), threads=1, precision="fp32")
    assert chosen == Manner(1, "fp32", compile=False, channels_last=True)


def test_a_hopeless_manner_costs_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(measure, "compiler_missing", lambda: None)
    asked: list[Manner] = []
    slow = {"bf16": 2 * HOPELESS, "fp32": 1.0}
    chosen = choose(timed(lambda manner: slow[manner.precision], asked))
    assert [manner.precision for manner in asked].count("bf16") == 1
    assert chosen.precision == asked[0].precision == "fp32"
    assert [manner.threads for manner in asked].count(2) > STEPS


def test_the_time_of_a_compilation_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "compiler_missing", lambda: None)
    asked: list[Manner] = []

    def cost(manner: Manner) -> float:
        if not manner.compile:
            return 1
        return 0.5 if any(before.compile for before in asked[:-1]) else 100

    assert choose(timed(cost, asked), precision="fp32", threads=1).compile


def test_a_short_training_is_not_compiled() -> None:
    asked: list[Manner] = []
    prepare = timed(lambda manner: 1, asked)
    fastest(MODULE, IMAGES, 100, precision="fp32", threads=1, report=print, prepare=prepare)
    assert not any(manner.compile for manner in asked)


def test_measuring_leaves_the_module_as_it_is() -> None:
    network = build(TINY)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    manner = Manner(1, "fp32", compile=False, channels_last=False)
    with prepared(network, IMAGES, manner) as step:
        assert step() > 0
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_measurement_is_remembered_per_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    manner = Manner(2, "bf16", compile=True, channels_last=True)
    path = cache_file({"batch": 128})
    assert recall(path) is None
    remember(path, manner)
    assert recall(path) == manner
    assert recall(cache_file({"batch": 96})) is None
    path.write_text("{}")
    assert recall(path) is None


def test_a_long_run_takes_the_manner_that_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    manner = Manner(1, "bf16", compile=False, channels_last=False)
    monkeypatch.setattr("sphynx_trainer.training.speed.settle.fastest", lambda *_, **__: manner)
    data = synthetic(classes=4, image_size=16, records=128)
    long = replace(CPU, epochs=1000, batch=32)
    run = Run.start(TINY, long, data, tmp_path / "run")
    settle(run, "measured", None)
    assert (run.recipe.precision, run.execution.channels_last) == ("bf16", False)
    monkeypatch.setattr("sphynx_trainer.training.speed.settle.fastest", None)
    settle(Run.start(TINY, long, data, tmp_path / "again"), "measured", None)
    run.save()
    settle(Run.resume(data, tmp_path / "run"), "measured", None)
    settle(Run.start(TINY, replace(long, epochs=1), data, tmp_path / "short"), "measured", 1)


def test_the_share_of_the_peak_counts_three_passes_of_every_multiplication() -> None:
    config = ResNet32Config(2, classes=10)
    assert multiplications_per_image(build(config), 32) == count(config).macs
    assert share_of_peak(100, 10**6, 3e9) == pytest.approx(0.1)
    paper, slim = (
        multiplications_per_image(build(SphynxConfig(5, 5, (0, 1), form=form)), 32)
        for form in ("paper", "slim")
    )
    assert (paper, slim) == (292_490_620, 103_772_640)
