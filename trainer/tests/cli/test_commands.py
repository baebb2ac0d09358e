import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from sphynx_trainer.cli.program import main
from sphynx_trainer.data import synthetic
from sphynx_trainer.export.collapsed import collapsed
from sphynx_trainer.export.manifest import paper_of
from sphynx_trainer.networks.families import build
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.training.checkpoint import Checkpoint

SYNTHETIC = ["--dataset", "synthetic", "--device", "cpu"]
QUICK = [*SYNTHETIC, "--epochs", "1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a tiny network of 2,048 ReLUs."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    shape = ["--channels", "1", "--depth", "2", "--reduce", "0"]
    assert main(["train", str(folder), *QUICK, *shape]) == 0
    return folder


def saved(folder: Path) -> Checkpoint:
    return Checkpoint.load(folder / "checkpoint.pt")


def test_snl_keeps_exactly_its_budget_and_resumes(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["snl", str(trained), str(tmp_path / "snl"), "--budget", "700", *SYNTHETIC]
    assert main([*command, "--epochs", "1"]) == 0
    assert re.search(r"[\d,]+ ReLUs left, the budget is 700", capsys.readouterr().err)
    first = saved(tmp_path / "snl")
    assert (saved(tmp_path / "snl" / "linearize").epoch, first.epoch) == (1, 1)
    assert plain_graph(first.build_network()).relus == 700
    assert first.teachers == [str(trained)]
    assert [run["name"] for run in first.earlier] == ["cpu", "linearize"]
    (tmp_path / "snl" / "checkpoint.pt").unlink()
    assert main([*command, "--epochs", "1", "--resume"]) == 0
    assert plain_graph(saved(tmp_path / "snl").build_network()).relus == 700
    assert saved(tmp_path / "snl" / "linearize").epoch == 1


def test_a_run_that_goes_on_keeps_its_recipe_and_says_so(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(trained), *QUICK, "--resume"]
    assert main(command) == 0
    assert "keeps its recipe" not in capsys.readouterr().err
    before = saved(trained).recipe
    assert main([*command, "--set", f"momentum={before.momentum}", "--set", "clip=1.5"]) == 0
    told = capsys.readouterr().err
    assert f"a run keeps its recipe: clip stays {before.clip}, not 1.5" in told
    assert "momentum" not in told
    assert saved(trained).recipe == before
    assert main([*command, "--recipe", "background"]) == 0
    assert "name stays cpu, not background" in capsys.readouterr().err
    assert main([*command, "--set", "clips=1.5"]) == 1
    assert "unknown in a recipe: clips" in capsys.readouterr().err


def test_options_without_effect_are_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(tmp_path / "run"), *QUICK]
    assert main([*command, "--decay-now"]) == 1
    assert "add --resume" in capsys.readouterr().err
    assert main([*command, "--from", str(trained), "--preset", "sphynx-c100-25k"]) == 1
    assert "leave out --preset" in capsys.readouterr().err
    snl = ["snl", str(trained), str(tmp_path / "snl"), "--budget", "700", *QUICK]
    assert main([*snl, "--linearize-set", "choice_rate=20"]) == 1
    assert "steps of 0.02 hide coefficients at 0.01" in capsys.readouterr().err
    assert main([*command, "--until-accuracy", "20"]) == 1
    assert "only a late decay can begin at will" in capsys.readouterr().err
    late = [*command, "--recipe", "background", "--set", "held_out=0"]
    assert main([*late, "--until-accuracy", "20"]) == 1
    assert "without held-out images" in capsys.readouterr().err


def test_the_first_phase_uses_the_same_images_as_the_second(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "snl"
    command = ["snl", str(trained), str(folder), "--budget", "700", *QUICK]
    shared = ["images=150", "held_out=10", "precision=fp32"]
    assert main([*command, *(part for each in shared for part in ("--set", each))]) == 0
    for run in (folder, folder / "linearize"):
        recipe = saved(run).recipe
        assert (recipe.images, recipe.held_out, recipe.precision) == (150, 10, "fp32")


def test_a_phase_that_has_begun_can_change_its_penalty_only(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "snl"
    command = ["snl", str(trained), str(folder), "--budget", "700", *SYNTHETIC, "--epochs", "1"]
    command += ["--linearize-epochs", "2", "--linearize-set", "choice_rate=5"]
    assert main(command) == 0
    first = saved(folder / "linearize")
    assert first.recipe.penalty == 1e-5
    first.epoch = 1
    first.save(folder / "linearize" / "checkpoint.pt")
    (folder / "checkpoint.pt").unlink()
    assert main([*command, "--resume", "--linearize-set", "choice_rate=6"]) == 1
    assert "a phase that has begun can change its penalty only" in capsys.readouterr().err
    assert main([*command, "--resume", "--linearize-set", "penalty=0.5"]) == 0
    assert saved(folder / "linearize").epoch == 2
    assert [run["penalty"] for run in saved(folder).earlier] == [0.0, 0.5]


@pytest.mark.parametrize("choice", ["element", "channel", "layer"])
def test_quadratics_spend_their_budget_and_are_exported(
    choice: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, model = tmp_path / "quadratic", tmp_path / "zoo" / "quadratic"
    command = ["quadratics", str(trained), str(folder), "--budget", "1100", "--choice", choice]
    command += ["--linearize-epochs", "1", *SYNTHETIC, "--epochs", "1"]
    assert main(command) == 0
    first = saved(folder)
    relus = plain_graph(first.build_network()).relus
    assert relus == {"element": 1100, "channel": 1024, "layer": 1024}[choice]
    assert first.teachers == [str(trained)]
    assert main([*command, "--resume"]) == 0
    model.mkdir(parents=True)
    (model / "fixed-point.json").write_text("an earlier model's")
    assert main(["export", str(folder), str(model), *SYNTHETIC[:2], "--hardware", "a trial"]) == 0
    assert {file.name for file in model.iterdir()} == {"model.onnx", "manifest.json"}
    manifest = json.loads((model / "manifest.json").read_text())
    assert (manifest["relus"], manifest["relusBeforeReduction"]) == (relus, 2048)
    capsys.readouterr()
    assert main(["relus", str(folder), *SYNTHETIC[:2]]) == 0
    said = capsys.readouterr().out
    assert re.search(rf"^all +{relus} of +2048$", said, re.M)


@pytest.mark.parametrize("command", ["snl", "quadratics"])
def test_an_exported_model_is_reduced_as_a_run_is(
    command: str, trained: Path, tmp_path: Path
) -> None:
    model, folder, reduced = (tmp_path / name for name in ("original", "reduced", "zoo"))
    assert main(["export", str(trained), str(model), *SYNTHETIC[:2], "--hardware", "a trial"]) == 0
    options = ["--budget", "900", *SYNTHETIC, "--epochs", "1", "--linearize-epochs", "1"]
    assert (
        main([command, str(model), str(folder), *options, "--linearize-set", "choice_rate=5"]) == 0
    )
    first = saved(folder / "linearize")
    assert (first.recipe.name, first.recipe.choice_rate) == ("linearize", 5.0)
    rates = {group["lr"] for group in first.optimizer["param_groups"]}
    assert len(rates) == 2
    assert max(rates) == pytest.approx(5 * min(rates))
    assert saved(folder).recipe.name == "snl-tune"
    assert saved(folder).teachers == [str(model)]
    assert main(["export", str(folder), str(reduced), *SYNTHETIC[:2], "--hardware", "a trial"]) == 0
    manifest = json.loads((reduced / "manifest.json").read_text())
    assert (manifest["relus"], manifest["relusBeforeReduction"]) == (900, 2048)
    assert manifest["teachers"] == ["original"], "the model's folder, for all files have one name"


def test_a_field_of_the_first_phase_without_a_value_is_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["snl", str(trained), str(tmp_path / "snl"), "--budget", "700", *SYNTHETIC]
    assert main([*command, "--linearize-set", "choice_rate"]) == 1
    assert "--linearize-set choice_rate: expected NAME=VALUE" in capsys.readouterr().err


def test_a_reduced_model_says_what_it_was(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reduced, model = tmp_path / "reduced", tmp_path / "zoo" / "reduced"
    assert main(["reduce-relus", str(trained), str(reduced), "--thin", "1", *QUICK]) == 0
    assert "1024 ReLUs" in capsys.readouterr().out
    assert main(["export", str(reduced), str(model), *SYNTHETIC[:2], "--hardware", "a trial"]) == 0
    manifest = json.loads((model / "manifest.json").read_text())
    assert (manifest["relus"], manifest["relusBeforeReduction"]) == (1024, 2048)
    assert manifest["teachers"] == ["run"]
    assert [run["epochsTrained"] for run in manifest["earlierRecipes"]] == [1]
    assert manifest["recipe"]["distillation"] == 1.0
    assert main(["zoo", str(tmp_path / "zoo")]) == 0
    assert "| reduced | synthetic | 1,024 |" in capsys.readouterr().out


def test_a_budget_and_stages_exclude_each_other(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["reduce-relus", str(trained), str(tmp_path), "--thin", "1", "--budget", "9", *QUICK]
    assert main(command) == 1
    assert "--budget chooses the stages" in capsys.readouterr().err


def test_a_trained_network_goes_on_in_fixed_point(trained: Path, tmp_path: Path) -> None:
    command = ["train", str(tmp_path), "--from", str(trained), "--fixed-point", "1", *QUICK]
    assert main([*command, "--fixed-point-bits", "9", "--set", "learning_rate=1e-4"]) == 0
    recipe = saved(tmp_path).recipe
    assert (recipe.name, recipe.learning_rate, recipe.fixed_point_bits) == ("fine-tune", 1e-4, 9)
    assert saved(tmp_path).config == saved(trained).config
    assert [run["name"] for run in saved(tmp_path).earlier] == [saved(trained).recipe.name]
    assert main(["evaluate", str(tmp_path), "--fixed-point", "9", *SYNTHETIC]) == 0


def exported(run: Path, model: Path) -> dict[str, Any]:
    """Exports a run. Returns the manifest."""
    assert main(["export", str(run), str(model), *SYNTHETIC[:2], "--hardware", "a trial"]) == 0
    manifest: dict[str, Any] = json.loads((model / "manifest.json").read_text())
    return manifest


@pytest.mark.parametrize("origin", ["fresh weights", "a run"])
def test_the_form_that_is_exported_trains_too(origin: str, trained: Path, tmp_path: Path) -> None:
    shape = ["--channels", "1", "--depth", "2", "--reduce", "0"]
    fresh = origin == "fresh weights"
    start = [*shape, "--recipe", "paper"] if fresh else ["--from", str(trained)]
    folder = tmp_path / "run"
    assert main(["train", str(folder), "--collapsed", *start, *QUICK]) == 0
    assert type(saved(folder).config).__name__ == "PlainConfig"
    usual = exported(trained, tmp_path / "usual")
    own = exported(folder, tmp_path / "own")
    for key in ("family", "config", "dataset", "relus", "macs"):
        assert own[key] == usual[key], key
    assert "fineTunedFrom" not in own
    earlier = [recipe["name"] for recipe in own.get("earlierRecipes", [])]
    assert earlier == ([] if fresh else [saved(trained).recipe.name])
    assert own["recipe"]["drop_path"] == 0, "there are no edges that it could leave out"
    nodes = [onnx.load(tmp_path / name / "model.onnx").graph.node for name in ("usual", "own")]
    assert [node.name for node in nodes[0]] == [node.name for node in nodes[1]]


def test_a_collapsed_preset_has_the_papers_figures(tmp_path: Path) -> None:
    dataset = replace(synthetic(), name="cifar100")
    config = SphynxConfig(5, 5, (0, 1), classes=len(dataset.classes))
    published = paper_of(config, dataset)
    assert published["paper"]["accuracy"] == 66.13
    torch.manual_seed(0)
    plain = collapsed(build(config), config, dataset)
    assert paper_of(plain.config, dataset) == published


def test_a_student_of_another_family_learns_from_a_run(trained: Path, tmp_path: Path) -> None:
    preset = tmp_path / "small.yaml"
    preset.write_text("dataset: synthetic\nnetwork: {family: resnet18, channels: 1}\nrecipe: cpu\n")
    student = tmp_path / "student"
    command = ["train", str(student), "--teacher", str(trained), "--preset", str(preset), *QUICK]
    assert main(command) == 0
    assert saved(student).teachers == [str(trained)]
    assert type(saved(student).config).__name__ == "ResNet18Config"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--set precision", "expected NAME=VALUE"),
        ("--set presicion=bf16", "unknown in a recipe: presicion"),
        ("--set epochs=many", "many"),
        ("--set milestones=[", "--set milestones is not YAML"),
        ("--epochs 0", "cannot train 0 epochs"),
        ("--batch 0", "in batches of 0"),
        ("--batch 999", "231 training images do not fill a batch of 999"),
        ("--channels 0", "channels must be a whole number above 0"),
        ("--reduce 9", r"reduce cells \(9,\) lie outside 0..4"),
        ("--preset typo.yaml", "no network of the family resnet18: .*'chanels'"),
        ("--preset words.yaml", "channels must be a whole number above 0, got 'four'"),
        ("--preset torn", "torn is not YAML"),
        ("--genotype torn", "torn is not JSON"),
        ("--from torn-run", "checkpoint.pt is not a checkpoint"),
        ("--device gpu", "unknown device 'gpu'"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_it(
    options: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    preset = "dataset: synthetic\nrecipe: cpu\nnetwork: {family: resnet18, %s}\n"
    Path("typo.yaml").write_text(preset % "chanels: 4")
    Path("words.yaml").write_text(preset % "channels: four")
    Path("torn").write_text("dataset: [")
    Path("torn-run").mkdir()
    Path("torn-run/checkpoint.pt").write_text("dataset: [")
    assert main(["train", "run", *SYNTHETIC, *options.split()]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "run", "--dataset", "synthetic", "--device", "cuda"]) == 1
    assert capsys.readouterr().err == "sphynx-trainer: PyTorch finds no GPU for 'cuda'\n"
