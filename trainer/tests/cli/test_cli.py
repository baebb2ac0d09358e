import re
import shlex
import sys
from pathlib import Path

import pytest

from sphynx_trainer.cli.program import main, parser
from sphynx_trainer.training.presets import PRESETS
from sphynx_trainer.training.progress import Progress

README = Path(__file__).parents[2] / "README.md"
GUIDE = README.parent.parent / "docs" / "models.md"
ZOO = GUIDE.with_name("zoo.md")


def commands_in(document: Path) -> list[list[str]]:
    """The arguments of every sphynx_trainer command that a document shows."""
    text = document.read_text().replace("\\\n", " ")
    lines = re.findall(r"^(?:python|torchrun .*) -m sphynx_trainer (.*)$", text, re.M)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize(
    ("document", "least"), [(README, 6), (GUIDE, 6), (ZOO, 1)], ids=["readme", "guide", "zoo"]
)
def test_documents_show_commands_that_exist(document: Path, least: int) -> None:
    commands = commands_in(document)
    assert len(commands) >= least
    for command in commands:
        parser().parse_args(command)


def test_the_guide_shows_presets_that_exist() -> None:
    text, _, _ = GUIDE.read_text().partition("## 2.")
    shown = [
        f"{names[0].rpartition('-')[0]}-{name.rpartition('-')[2]}"
        for line in re.findall(r"^\|.*`sphynx-\w+-\w+k`.*$", text, re.M)
        for names in [re.findall(r"`([\w-]+k)`", line)]
        for name in names
    ]
    assert shown == [name for name in PRESETS if name.startswith("sphynx")]


def test_the_readmes_trial_on_synthetic_data_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trial = [command for command in commands_in(README) if "synthetic" in command]
    assert len(trial) == 2
    for command in trial:
        assert main(command) == 0
    assert (tmp_path / "models" / "trial" / "model.onnx").is_file()


def test_missing_data_is_one_line_and_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(tmp_path / "run"), "--data", str(tmp_path)]) == 1
    assert re.fullmatch(r"sphynx-trainer: .* is missing\. .*\n", capsys.readouterr().err)


def test_a_run_that_does_not_exist_is_one_line_and_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(tmp_path), "--dataset", "synthetic"]) == 1
    assert "checkpoint.pt" in capsys.readouterr().err


def test_progress_is_plain_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 10.0, 40.0])
    monkeypatch.setattr("sphynx_trainer.training.progress.time.monotonic", lambda: next(clock))
    progress = Progress(total=100, stream=sys.stderr)
    progress.update(10, "epoch 1")
    progress.update(50, "epoch 1")
    assert capsys.readouterr().err == " 50.0%  epoch 1  0:40 left\n"


def test_progress_towards_an_open_end_tells_the_time_that_has_passed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 70.0])
    monkeypatch.setattr("sphynx_trainer.training.progress.time.monotonic", lambda: next(clock))
    Progress(total=100, stream=sys.stderr, open_ended=True).update(50, "900 ReLUs left")
    assert capsys.readouterr().err == "900 ReLUs left  1:10 so far\n"
