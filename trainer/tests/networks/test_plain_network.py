"""An exported model that is trained on."""

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch

from sphynx_trainer.cli.program import main
from sphynx_trainer.data import Dataset, synthetic
from sphynx_trainer.export.export_model import export_model
from sphynx_trainer.export.import_model import is_model, read_model
from sphynx_trainer.networks.base.graph_from_onnx import read_graph
from sphynx_trainer.networks.base.graph_to_onnx import build_onnx, export_onnx
from sphynx_trainer.networks.families import Config, build, count
from sphynx_trainer.networks.plain.network import PlainNetwork
from sphynx_trainer.networks.plain_graph import plain_graph, verify
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet32Config
from sphynx_trainer.networks.staged.vgg import VGG11Config
from sphynx_trainer.training import Run, train
from sphynx_trainer.training.checkpoint import load_checkpoint
from sphynx_trainer.training.evaluation import evaluate
from sphynx_trainer.training.recipe import Recipe
from sphynx_trainer.training.recipes import CONTINUE, CPU

from ..conftest import mask_at_random
from .test_families import ident, small_network

TINY = SphynxConfig(2, 3, (0, 1), image_size=16, classes=4)
ONE_MORE = replace(CONTINUE, epochs=1, batch=32, crop_padding=1, precision="fp32")
FAMILIES: list[Config] = [TINY, ResNet32Config(2, classes=4), VGG11Config(1, (6,), 32, 4)]


def tiny_data() -> Dataset:
    return synthetic(classes=4, image_size=16, records=128)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained run and the model `small` that was exported from it."""
    torch.manual_seed(0)
    folder, data = tmp_path_factory.mktemp("zoo"), tiny_data()
    recipe = replace(CPU, epochs=8, batch=32, crop_padding=1, precision="fp32")
    train(Run.start(TINY, recipe, data, folder / "run"))
    export_model(load_checkpoint(folder / "run", data), data, folder / "small", "a test machine")
    return folder


def begin(zoo: Path, folder: Path, recipe: Recipe = ONE_MORE) -> Run:
    network, earlier = read_model(zoo / "small", tiny_data())
    run = Run.begin(network.config, network, recipe, tiny_data(), folder)
    run.earlier = earlier
    return run


@pytest.mark.parametrize("config", FAMILIES, ids=ident)
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_a_model_is_written_again_to_the_byte(config: Config, masked: bool) -> None:
    network = small_network(config)
    if masked:
        mask_at_random(network, config.image_size, channel_wise=False)
    model = build_onnx(plain_graph(network), "m")
    plain = PlainNetwork.of(read_graph(model))
    assert build_onnx(plain_graph(plain), "m").SerializeToString(
        deterministic=True
    ) == model.SerializeToString(deterministic=True)
    assert verify(network, plain_graph(plain)) < 1e-5
    full, counted = count(config), count(plain.config)
    assert [layer.relus for layer in full.layers if layer.relus] == [
        layer.relus for layer in counted.layers if layer.relus
    ]
    assert (full.relus, full.macs) == (counted.relus, counted.macs)


def test_a_fine_tuned_model_is_no_worse_and_exported_as_it_is(zoo: Path, tmp_path: Path) -> None:
    data = tiny_data()
    run = begin(zoo, tmp_path / "run")
    before = evaluate(run.network.eval(), data, data.test)
    assert before > 0.5
    run.learn_from([str(zoo / "run")])
    train(run)
    after = evaluate(run.best_network, data, data.test)
    assert after >= before
    export_model(load_checkpoint(tmp_path / "run", data), data, tmp_path / "tuned", "here")
    tuned, _ = read_model(tmp_path / "tuned", data)
    images = data.normalise(data.test.images)
    with torch.no_grad():
        logits, old = run.best_network(images), run.network(images)
        assert torch.allclose(tuned.eval()(images), logits, atol=1e-5)
        assert not torch.allclose(old, logits, atol=1e-5)


def test_the_manifest_says_where_a_fine_tuned_model_comes_from(zoo: Path, tmp_path: Path) -> None:
    data = tiny_data()
    run = begin(zoo, tmp_path / "run")
    run.learn_from([str(zoo / "small" / "model.onnx")])
    train(run)
    export_model(load_checkpoint(tmp_path / "run", data), data, tmp_path / "tuned", "here")
    old, new = (
        json.loads((f / "manifest.json").read_text()) for f in (zoo / "small", tmp_path / "tuned")
    )
    for key in ("family", "config", "relus", "macs", "parameters", "dataset"):
        assert new[key] == old[key]
    assert new["fineTunedFrom"] == {"name": "small", "sha256": old["sha256"]}
    assert new["earlierRecipes"] == [{**old["recipe"], "hardware": "a test machine"}]
    assert (new["recipe"]["name"], new["teachers"]) == ("continue", ["model.onnx"])
    assert new["sha256"] != old["sha256"]
    run.seconds = 5400.0
    assert run.checkpoint.effort == {"epochsTrained": 1, "hours": 1.5}


def test_an_interrupted_fine_tuning_continues_exactly(zoo: Path, tmp_path: Path) -> None:
    recipe = replace(ONE_MORE, epochs=3, fixed_point_epochs=1, fixed_point_bits=8)
    straight, broken = (
        begin(zoo, tmp_path / "straight", recipe),
        begin(zoo, tmp_path / "broken", recipe),
    )
    train(straight)
    train(broken, until=1)
    resumed = Run.resume(tiny_data(), tmp_path / "broken")
    train(resumed)
    for one, other in (
        (straight.network, resumed.network),
        (straight.best_network, resumed.best_network),
    ):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
    assert resumed.seconds > broken.seconds > 0


def test_the_grid_changes_what_a_fine_tuned_network_learns(zoo: Path, tmp_path: Path) -> None:
    plain = begin(zoo, tmp_path / "plain")
    grid = begin(
        zoo, tmp_path / "grid", replace(ONE_MORE, fixed_point_epochs=1, fixed_point_bits=5)
    )
    for run in (plain, grid):
        train(run)
    weights = (run.network.classify.weight for run in (plain, grid))
    assert not torch.equal(*weights)


def test_masks_stay_when_a_model_is_trained_on(tmp_path: Path) -> None:
    network = small_network(TINY)
    mask_at_random(network, TINY.image_size, channel_wise=False)
    graph = plain_graph(network)
    export_onnx(graph, "masked", tmp_path / "masked.onnx")
    plain, _ = read_model(tmp_path / "masked.onnx", tiny_data())
    train(Run.begin(plain.config, plain, ONE_MORE, tiny_data(), tmp_path / "run"))
    tuned = plain_graph(load_checkpoint(tmp_path / "run", tiny_data()).build_network())
    assert tuned.relu_layers() == graph.relu_layers()


def test_other_classes_get_a_head_of_their_own(zoo: Path) -> None:
    own = synthetic(classes=7, image_size=16, records=64)
    network, _ = read_model(zoo / "small", own)
    known, _ = read_model(zoo / "small", tiny_data())
    assert network(torch.zeros(2, 3, 16, 16)).shape == (2, 7)
    first, *_ = (name for name in known.state_dict() if name.endswith("weight"))
    assert torch.equal(network.state_dict()[first], known.state_dict()[first])


def test_the_command_trains_a_model_of_the_zoo_on(zoo: Path, tmp_path: Path) -> None:
    options = ["--dataset", "synthetic", "--batch", "64", "--epochs", "1"]
    run, target = str(tmp_path / "run"), tmp_path / "own"
    assert main(["train", run, "--from", str(zoo / "small"), *options]) == 1
    network = build(SphynxConfig(1, 2, (0,), classes=10))
    export_onnx(plain_graph(network), "m", tmp_path / "m.onnx")
    assert main(["train", run, "--from", str(tmp_path / "m.onnx"), *options]) == 0
    assert main(["evaluate", run, "--dataset", "synthetic", "--fixed-point", "8"]) == 0
    assert main(["export", run, str(target), "--dataset", "synthetic", "--hardware", "here"]) == 0
    manifest = json.loads((target / "manifest.json").read_text())
    assert (manifest["family"], manifest["fineTunedFrom"]["name"]) == ("plain", "m")


def test_what_cannot_be_trained_on_is_refused_with_the_reason(zoo: Path, tmp_path: Path) -> None:
    data = tiny_data()
    assert is_model(zoo / "small")
    assert not is_model(zoo / "run")
    with pytest.raises(ValueError, match="reads images of 16x16 pixels, not those of synthetic"):
        read_model(zoo / "small", synthetic(classes=4, image_size=32, records=64))
    torn = tmp_path / "torn.onnx"
    torn.write_bytes(b"\xff\xff")
    with pytest.raises(ValueError, match=r"torn\.onnx is not an ONNX file"):
        read_model(torn, data)
    other = tmp_path / "other"
    other.mkdir()
    (other / "manifest.json").write_bytes((zoo / "small" / "manifest.json").read_bytes())
    export_onnx(plain_graph(build(TINY)), "other", other / "model.onnx")
    with pytest.raises(ValueError, match="describes another file"):
        read_model(other, data)


@pytest.mark.parametrize(
    ("changed", "message"),
    [("mask", "not of zeros and ones"), ("name", "is a product that is no mask")],
)
def test_another_product_than_a_mask_is_refused(changed: str, message: str, tmp_path: Path) -> None:
    network = small_network(TINY)
    mask_at_random(network, TINY.image_size, channel_wise=True)
    model = build_onnx(plain_graph(network), "m")
    product = next(node for node in model.graph.node if node.op_type == "Mul")
    if changed == "mask":
        mask = next(each for each in model.graph.initializer if each.name == product.input[1])
        half = onnx.numpy_helper.to_array(mask) / 2
        mask.CopyFrom(onnx.numpy_helper.from_array(half, mask.name))
    else:
        for node in model.graph.node:
            node.input[:] = ["square" if name == product.output[0] else name for name in node.input]
        product.output[0] = "square"
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=message):
        read_model(tmp_path / "m.onnx", tiny_data())


@pytest.mark.parametrize(
    ("operator", "name", "value", "message"),
    [
        ("Conv", "group", 2, "group is 2, expected 1"),
        ("Gemm", "transB", 0, "transB is 0, expected 1"),
        ("Relu", "", "Sigmoid", "the operator Sigmoid is none of Conv, Add"),
        ("Flatten", "axis", 2, "axis is 2, expected 1"),
    ],
)
def test_a_graph_in_another_form_is_refused(
    operator: str, name: str, value: int | str, message: str
) -> None:
    model = build_onnx(plain_graph(build(TINY)), "m")
    node = next(node for node in model.graph.node if node.op_type == operator)
    if isinstance(value, str):
        node.op_type = value
    else:
        for index, attribute in enumerate(node.attribute):
            if attribute.name == name:
                del node.attribute[index]
                break
        node.attribute.append(onnx.helper.make_attribute(name, value))
    with pytest.raises(ValueError, match=message):
        read_graph(model)
