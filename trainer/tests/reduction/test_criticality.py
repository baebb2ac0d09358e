import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from sphynx_trainer.cli.program import main
from sphynx_trainer.networks.activations.places import places
from sphynx_trainer.networks.families import build
from sphynx_trainer.networks.staged.resnet_configs import ResNet18Config
from sphynx_trainer.reduction.criticality import criticality, most_critical_first, relus_of_stages

DATA = ["--dataset", "synthetic"]
PRESET = "dataset: synthetic\nnetwork: {family: resnet18, channels: 1}\nrecipe: cpu\n"


def test_a_stage_is_worth_its_accuracy_over_a_power_of_its_relus() -> None:
    assert criticality(70, 20, 1) == 50
    assert criticality(70, 20, 10**6) == pytest.approx(50 / 10**0.42)
    assert most_critical_first([1.0, 3.0, 5.0, 2.0]) == [3, 2, 4, 1]


def test_the_stem_counts_to_the_first_stage() -> None:
    network = build(ResNet18Config(4))
    assert relus_of_stages(places(network, 32)) == [5 * 4096, 4 * 2048, 4 * 1024, 4 * 512]


def test_every_stage_is_trained_by_itself_and_its_relus_are_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset, run, result = tmp_path / "small.yaml", tmp_path / "run", tmp_path / "result"
    preset.write_text(PRESET)
    quick = [*DATA, "--epochs", "1", "--batch", "128"]
    assert main(["train", str(run), "--preset", str(preset), *quick]) == 0
    command = ["criticality", str(run), str(result), *quick]
    assert main(command) == 0
    content = json.loads((result / "criticality.json").read_text())
    assert [stage["relus"] for stage in content["stages"]] == [5120, 2048, 1024, 512]
    assert sorted(content["order"]) == [1, 2, 3, 4]
    assert main([*command, "--resume"]) == 0
    assert json.loads((result / "criticality.json").read_text()) == content

    capsys.readouterr()
    assert main(["relus", str(result / "stage-3"), *DATA]) == 0
    said = capsys.readouterr().out
    assert "stage1.0.relu1               0 of      1024    0.0%" in said
    assert "stage3.0.relu1             256 of       256  100.0%" in said
    picture = ElementTree.parse(result / "stage-3" / "relus.svg").getroot()
    assert len([part for part in picture if part.tag.endswith("rect")]) == 2 * 17
