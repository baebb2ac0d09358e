import json
import os
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from sphynx_trainer.cli.commands import gpu_day
from sphynx_trainer.cli.commands.gpu_day import STAGES, TRIAL, commands_of
from sphynx_trainer.cli.commands.snl import FIRST_PHASE
from sphynx_trainer.cli.program import main, parser
from sphynx_trainer.training.checkpoint import CHECKPOINT
from sphynx_trainer.training.presets import PRESETS

TRAINER = Path(__file__).parents[2]
SCRIPT = TRAINER / "gpu-day.sh"
OVERFLOW = "distillation: 3.0e+38"


def exported(folder: Path) -> set[str]:
    """The names of the models that a day has finished."""
    return {path.parent.name for path in (folder / "zoo").glob("*/manifest.json")}


def test_a_trial_trains_and_exports_every_model_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["resnet18-c100", "resnet18-c100-50k-snl", "sphynx-c100-51k", "sphynx-c100-102k"]
    names += ["sphynx-tiny-102k", "resnet18-c100-100k-deepreduce", "sphynx-c100-25k-separable"]
    monkeypatch.setattr(gpu_day, "STAGES", [each for each in STAGES if each.name in names])
    assert main(["gpu-day", str(tmp_path), "--trial", "--hours", "0"]) == 0
    assert capsys.readouterr().out.count("is not begun") == len(names)
    assert main(["gpu-day", str(tmp_path), "--trial"]) == 0
    models = {name: tmp_path / "zoo" / name for name in names}
    manifests = {name: json.loads((models[name] / "manifest.json").read_text()) for name in names}
    assert manifests["resnet18-c100-50k-snl"]["relus"] == 700
    assert manifests["resnet18-c100-100k-deepreduce"]["relus"] == 1024
    assert manifests["sphynx-c100-51k"]["teachers"] == ["resnet18-c100"]
    capsys.readouterr()
    (models["sphynx-c100-102k"] / "manifest.json").unlink()
    assert main(["gpu-day", str(tmp_path), "--trial"]) == 0
    said = capsys.readouterr().out
    assert said.count("is there") == len(names) - 1
    assert (models["sphynx-c100-102k"] / "manifest.json").exists()


def test_a_day_goes_on_after_a_training_diverged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The teacher's term overflows, so the stages that are taught diverge and no others."""
    names = ["resnet18-c100", "hrn-c100-5x5x3x", "hrn-c100-100k-snl"]
    names += ["resnet18-c100-100k-deepreduce", "sphynx-c100-25k"]
    monkeypatch.setattr(gpu_day, "STAGES", [each for each in STAGES if each.name in names])
    with monkeypatch.context() as overflowing:
        overflowing.setattr(gpu_day, "TRIAL", TRIAL.replace("batch: 64", "batch: 64, " + OVERFLOW))
        assert main(["gpu-day", str(tmp_path), "--trial"]) == 1
    printed = capsys.readouterr()
    failure = "hrn-c100-5x5x3x failed: DivergedError: the training diverged: in epoch 1 none of"
    assert printed.out.count(failure) == 2
    assert printed.out.splitlines()[-1].startswith(failure)
    left_out = "hrn-c100-100k-snl is left out, for it needs hrn-c100-5x5x3x, which is not trained"
    assert left_out in printed.out
    summary = "these stages failed: hrn-c100-5x5x3x, and these were left out: hrn-c100-100k-snl."
    assert summary in printed.err
    assert "Traceback" not in printed.err
    assert exported(tmp_path) == {names[0], names[3], names[4]}
    assert main(["gpu-day", str(tmp_path), "--trial"]) == 0
    assert capsys.readouterr().out.count("is there") == 3
    assert exported(tmp_path) == set(names)


def test_whatever_learns_from_a_failed_teacher_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["resnet18-c100", "hrn-c100-5x5x3x", "hrn-c100-100k-snl", "sphynx-c100-25k"]
    monkeypatch.setattr(gpu_day, "STAGES", [each for each in STAGES if each.name in names])
    obstacle = tmp_path / "runs" / "resnet18-c100"
    obstacle.parent.mkdir()
    obstacle.write_text("")
    assert main(["gpu-day", str(tmp_path), "--trial"]) == 1
    printed = capsys.readouterr()
    assert "these were left out: hrn-c100-5x5x3x, hrn-c100-100k-snl." in printed.err
    assert exported(tmp_path) == {"sphynx-c100-25k"}
    assert [path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()] == names[3:]


def test_half_made_folders_are_completed_without_training_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One model is trained but cannot be exported; of the other only the first phase is trained."""
    names = ["resnet18-c100", "resnet18-c100-50k-snl"]
    monkeypatch.setattr(gpu_day, "STAGES", [each for each in STAGES if each.name in names])
    run = tmp_path / "runs" / names[1]
    obstacles = [tmp_path / "zoo" / names[0] / "model.onnx", run / "checkpoint.partial"]
    for obstacle in obstacles:
        obstacle.mkdir(parents=True)
    assert main(["gpu-day", str(tmp_path), "--trial"]) == 1
    assert "these stages failed: resnet18-c100, resnet18-c100-50k-snl. " in capsys.readouterr().err
    checkpoints = [tmp_path / "runs" / names[0] / CHECKPOINT, run / FIRST_PHASE / CHECKPOINT]
    trained = [checkpoint.read_bytes() for checkpoint in checkpoints]
    for obstacle in obstacles:
        obstacle.rmdir()
    assert main(["gpu-day", str(tmp_path), "--trial"]) == 0
    assert exported(tmp_path) == set(names)
    assert [checkpoint.read_bytes() for checkpoint in checkpoints] == trained


def test_an_interruption_ends_the_day(tmp_path: Path) -> None:
    """The interrupt comes as from a keyboard, to a process of its own."""
    # A shell's background jobs ignore the signal, and Python then leaves it so.
    code = "import signal, sys; from sphynx_trainer.cli.program import main; "
    code += "signal.signal(signal.SIGINT, signal.default_int_handler); main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "gpu-day", str(tmp_path), "--trial"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TRAINER) as day:
        assert day.stdout is not None
        assert day.stdout.readline() == "resnet18-c100 begins\n"
        day.send_signal(signal.SIGINT)
        printed, _ = day.communicate(timeout=60)
    assert day.returncode != 0
    assert "failed" not in printed
    assert "resnet18-c100-50k-snl begins" not in printed


def test_every_stage_is_a_command_that_exists(tmp_path: Path) -> None:
    options = Namespace(
        folder=tmp_path, data=tmp_path, tiny=tmp_path, trial=False, epochs=3, hardware="a GPU"
    )
    names = [stage.name for stage in STAGES]
    assert len(set(names)) == len(names)
    for stage in STAGES:
        assert (stage.preset in PRESETS) + bool(stage.network) + bool(stage.reduction) == 1
        assert not stage.reduction or stage.source in names[: names.index(stage.name)]
        for command in commands_of(stage, options):
            parser().parse_args(command)


def test_the_script_says_how_it_is_called_and_what_is_missing(tmp_path: Path) -> None:
    usage = subprocess.run([SCRIPT], capture_output=True, text=True, check=False)
    assert usage.returncode == 2
    assert "gpu-day.sh DATA OUT" in usage.stderr
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(
        [SCRIPT, tmp_path, tmp_path / "out", "--hours", "-1"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "sphynx-c100-230k is not begun" in done.stdout
    assert "sphynx-tiny-102k is left out" in done.stdout
