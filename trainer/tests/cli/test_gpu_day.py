import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from sphynx_trainer.cli.commands import gpu_day
from sphynx_trainer.cli.commands.gpu_day import STAGES, commands_of
from sphynx_trainer.cli.program import main, parser
from sphynx_trainer.training.presets import PRESETS

SCRIPT = Path(__file__).parents[2] / "gpu-day.sh"


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
