from pathlib import Path

import pytest

from sphynx_trainer.data import synthetic
from sphynx_trainer.networks.families import count
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet18Config
from sphynx_trainer.training.presets import PRESETS, Preset, published_for, read_preset
from sphynx_trainer.training.recipes import CPU, PAPER

IMAGES = {"cifar100": (32, 100), "tiny-imagenet": (64, 200), "imagenet": (224, 1000)}


PUBLISHED = [preset for preset in PRESETS.values() if preset.published]


@pytest.mark.parametrize("preset", PUBLISHED, ids=lambda preset: preset.name)
def test_a_preset_costs_what_its_paper_says(preset: Preset) -> None:
    assert preset.published
    relus = count(preset.config(*IMAGES[preset.dataset])).relus
    assert relus == pytest.approx(preset.published.relus, rel=0.02)
    thousands = int(preset.name.rpartition("-")[2].removesuffix("k"))
    assert relus // 1000 <= thousands <= relus / 1000 + 1


def test_a_preset_in_yaml_changes_a_recipe(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(
        "dataset: synthetic\n"
        "network: {family: resnet18, channels: 4}\n"
        "recipe: {base: paper, epochs: 3, learning_rate: 1e-3, milestones: [1, 2]}\n"
    )
    preset = read_preset(str(file))
    assert preset.config(16, 10) == ResNet18Config(4, 16, 10)
    recipe = preset.recipe
    assert (recipe.name, recipe.epochs, recipe.learning_rate) == ("small", 3, 0.001)
    assert (recipe.milestones, recipe.drop_path) == ((1, 2), PAPER.drop_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset: synthetic", "nothing else"),
        ("dataset: mnist\nnetwork: {}\nrecipe: cpu", "unknown data set 'mnist'"),
        ("dataset: synthetic\nnetwork: resnet18\nrecipe: cpu", "network needs a family"),
        ("dataset: synthetic\nnetwork: {}\nrecipe: {epochs: 3}", "recipe needs a base"),
        ("dataset: synthetic\nnetwork: {}\nrecipe: {base: cpu, epoch: 3}", "epoch"),
        ("dataset: synthetic\nnetwork: {}\nrecipe: {base: cpu, epochs: many}", "many"),
    ],
)
def test_a_broken_preset_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "broken.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_preset(str(tmp_path / "broken.yaml"))


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="sphynx-c100-25k"):
        read_preset("sphynx-c100-26k")


def test_only_the_papers_own_networks_have_its_figures() -> None:
    data = synthetic(classes=100)
    assert published_for(data, SphynxConfig(5, 5, (0, 1))) is None
    assert CPU.changed({"epochs": "7"}).epochs == 7
