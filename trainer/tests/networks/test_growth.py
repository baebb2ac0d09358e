"""Networks that start as smaller ones."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sphynx_trainer.cli.program import main
from sphynx_trainer.data import synthetic
from sphynx_trainer.export.export_model import export_model
from sphynx_trainer.export.grown import grown
from sphynx_trainer.networks.families import Config, build
from sphynx_trainer.networks.plain.growth import grow
from sphynx_trainer.networks.plain.network import PlainNetwork
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.sphynx.cells import Form
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet32Config
from sphynx_trainer.training import Run, train
from sphynx_trainer.training.checkpoint import load_checkpoint
from sphynx_trainer.training.recipes import CPU

from .test_families import small_network

SMALL = SphynxConfig(2, 3, (0, 1), image_size=16, classes=4, form="slim")
IMAGES = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(5))


def exported(config: Config) -> PlainNetwork:
    return PlainNetwork.of(plain_graph(small_network(config)))


@pytest.mark.parametrize("form", ["slim", "paper"])
@torch.no_grad()
def test_a_network_with_more_cells_at_the_end_computes_the_same(form: Form) -> None:
    smaller, network = exported(SMALL), exported(replace(SMALL, depth=5, form=form))
    before, wanted = network(IMAGES), smaller(IMAGES)
    assert not torch.allclose(before, wanted, rtol=0.1)
    grow(network, smaller)
    assert torch.allclose(network(IMAGES), wanted, atol=1e-4 * float(wanted.abs().max()))


@torch.no_grad()
def test_only_what_reads_a_map_too_far_back_is_lost() -> None:
    smaller, network = exported(SMALL), exported(replace(SMALL, depth=5, reduce=(0, 2)))
    grow(network, smaller)
    second = smaller.config.sums()["cell1/add_cell0"]
    image = next(node for node in second if node.inputs == ("image",))
    smaller.convolution(image.name).weight.zero_()
    wanted = smaller(IMAGES)
    assert torch.allclose(network(IMAGES), wanted, atol=1e-4 * float(wanted.abs().max()))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (replace(SMALL, classes=5), "other classes"),
        (replace(SMALL, channels=3), "no map like that of cell0/relu"),
        (replace(SMALL, depth=2), "no place for cell2/relu"),
        (replace(SMALL, depth=4, reduce=(2, 3)), "no map like that of cell0/relu"),
        (ResNet32Config(4, classes=4), "reads no sum of convolutions"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_with_the_reason(config: Config, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        grow(exported(config), exported(SMALL))


def test_a_larger_kernel_does_not_fit_a_smaller_one() -> None:
    deeper = exported(replace(SMALL, depth=4))
    with pytest.raises(ValueError, match="does not fit that of image"):
        grow(deeper, exported(replace(SMALL, form="paper")))


def test_a_grown_network_trains_and_says_what_it_grew_from(tmp_path: Path) -> None:
    data = synthetic(classes=10, image_size=32, records=256)
    config = SphynxConfig(1, 2, (0, 1), classes=10, form="slim")
    recipe = replace(CPU, epochs=1, batch=64, precision="fp32")
    train(Run.start(config, recipe, data, tmp_path / "run"))
    export_model(load_checkpoint(tmp_path / "run", data), data, tmp_path / "small", "here")
    shape = ["--form", "slim", "--channels", "1", "--depth", "3", "--reduce", "0", "1"]
    options = ["--dataset", "synthetic", "--batch", "64", "--epochs", "1"]
    deep, model = str(tmp_path / "deep"), str(tmp_path / "small")
    assert main(["train", deep, "--grow", model, *shape, *options]) == 0
    target = tmp_path / "large"
    assert main(["export", deep, str(target), "--dataset", "synthetic", "--hardware", "here"]) == 0
    old, new = (
        json.loads((folder / "manifest.json").read_text())
        for folder in (tmp_path / "small", target)
    )
    assert new["grownFrom"] == {"name": "small", "sha256": old["sha256"]}
    assert (new["family"], new["config"]["depth"]) == ("sphynx", 3)
    assert "fineTunedFrom" not in new
    assert [each["name"] for each in new["earlierRecipes"]] == ["cpu"]
    network, _ = grown(build(config), config, data, tmp_path / "small")
    assert network.config.batch_norm
