"""Every family's ONNX file, by the importer in TypeScript that serves it."""

import json
import subprocess
from pathlib import Path

import pytest
import torch

from sphynx_trainer.networks.base.classifier import Classifier
from sphynx_trainer.networks.base.graph_to_onnx import export_onnx
from sphynx_trainer.networks.families import Config
from sphynx_trainer.networks.plain_graph import TOLERANCE, plain_graph
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet18Config
from sphynx_trainer.networks.staged.vgg import VGG11Config

from .. import full_width
from ..conftest import mask_at_random
from ..importer_fixtures import write_all
from ..networks.test_families import SMALL, ident, small_network

ROOT = Path(__file__).parents[3]
NODE = ROOT / "node_modules" / ".bin" / "node"
PROGRAM = ROOT / "test" / "model" / "importer-logits.ts"

pytestmark = pytest.mark.skipif(
    not NODE.exists(), reason="the importer needs Node: run `npm ci` in the repository's root"
)


def difference(network: Classifier, image_size: int, folder: Path) -> float:
    """The importer's largest error on a random image, relative to the largest logit."""
    model = folder / "model.onnx"
    export_onnx(plain_graph(network), "test", model)
    image = torch.randn(3, image_size, image_size)
    logits = importer_logits(model, image)
    with torch.no_grad():
        (expected,) = network(image[None])
    assert logits.shape == expected.shape
    return float((logits - expected).abs().max() / expected.abs().max())


def importer_logits(model: Path, image: torch.Tensor) -> torch.Tensor:
    """What the importer computes for an image."""
    pixels = model.with_suffix(".f32")
    pixels.write_bytes(image.numpy().tobytes())
    done = subprocess.run(
        [NODE, PROGRAM, model, pixels], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return torch.tensor(json.loads(done.stdout))


@pytest.mark.parametrize("name", ["resnet32", "densenet"])
def test_networks_of_usual_width_are_imported(name: str, tmp_path: Path) -> None:
    full_width.write(tmp_path, name)
    logits = importer_logits(tmp_path / f"{name}.onnx", torch.randn(3, 32, 32))
    assert logits.shape == (full_width.CLASSES,)
    # Settled batch norms keep values in the range that trained networks have.
    assert 0.05 < logits.std() < 50


def test_the_importers_own_tests_have_all_fixtures(tmp_path: Path) -> None:
    write_all(tmp_path)
    fixtures = ROOT / "test" / "model" / "fixtures"
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in fixtures.iterdir()}


@pytest.mark.parametrize("config", SMALL, ids=ident)
def test_the_importer_computes_what_the_trained_network_does(
    config: Config, tmp_path: Path
) -> None:
    assert difference(small_network(config), config.image_size, tmp_path) < TOLERANCE


@pytest.mark.parametrize(
    "config",
    [
        SphynxConfig(2, 3, (0, 1), image_size=16, classes=4),
        ResNet18Config(2, image_size=16, classes=4),
        VGG11Config(1, (6,), image_size=32, classes=4),
    ],
    ids=ident,
)
@pytest.mark.parametrize("channel_wise", [False, True], ids=["element", "channel"])
def test_the_importer_reads_masks(config: Config, channel_wise: bool, tmp_path: Path) -> None:
    network = small_network(config)
    mask_at_random(network, config.image_size, channel_wise=channel_wise)
    assert difference(network, config.image_size, tmp_path) < TOLERANCE
