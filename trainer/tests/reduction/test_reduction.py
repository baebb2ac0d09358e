from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnx.reference
import pytest
import torch
from torch import nn

from sphynx_trainer.data import Dataset, synthetic
from sphynx_trainer.networks.activations.masked_relu import MaskedReLU
from sphynx_trainer.networks.activations.places import Place, places
from sphynx_trainer.networks.base.graph_to_onnx import build_onnx
from sphynx_trainer.networks.families import Config, build
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet18Config
from sphynx_trainer.networks.staged.vgg import VGG11Config
from sphynx_trainer.reduction.deepreduce import choose, reduce_relus, removed
from sphynx_trainer.reduction.linearize import Linearization, binarize, make_selective
from sphynx_trainer.reduction.selection import select
from sphynx_trainer.training import Run, train
from sphynx_trainer.training.checkpoint import Checkpoint
from sphynx_trainer.training.recipes import LINEARIZE

from ..conftest import mask_at_random, randomise
from .quick_choice import QUICK_CHOICE

SPHYNX = SphynxConfig(2, 3, (0, 1), image_size=16, classes=4)
RESNET = ResNet18Config(channels=2, image_size=16, classes=4)
VGG = VGG11Config(channels=1, hidden=(6,), image_size=32, classes=4)


def tiny_data() -> Dataset:
    return synthetic(classes=4, image_size=16, records=64)


@pytest.mark.parametrize("config", [SPHYNX, RESNET, VGG], ids=lambda config: type(config).__name__)
@pytest.mark.parametrize("channel_wise", [False, True], ids=["element", "channel"])
def test_a_mask_survives_the_export_and_its_numbers_too(config: Config, channel_wise: bool) -> None:
    network = randomise(build(config))
    mask_at_random(network, config.image_size, channel_wise=channel_wise)
    graph = plain_graph(network)
    model = build_onnx(graph, "masked")
    images = torch.randn(2, 3, config.image_size, config.image_size)
    with torch.no_grad():
        expected = network(images).numpy()
    (logits,) = onnx.reference.ReferenceEvaluator(model).run(None, {"image": images.numpy()})
    assert np.abs(logits - expected).max() < 1e-4 * np.abs(expected).max()

    kept = sum(
        int(module.mask.expand(place.shape).sum())
        for place in places(network, config.image_size)
        for module in [network.get_submodule(place.name)]
    )
    assert graph.relus == kept
    constants = {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Relu":
            mask, complement = (constants[f"{node.name}.{e}"] for e in ("mask", "mask_complement"))
            assert np.array_equal(mask + complement, np.ones_like(mask))
            assert set(np.unique(mask)) <= {0, 1}


def test_exactly_the_budget_keeps_the_largest_coefficients() -> None:
    coefficients = {
        Place("a", (1, 2, 2)): torch.tensor([[[0.5, 0.1], [0.9, -0.2]]]),
        Place("b", (3,)): torch.tensor([0.6, 0.0, 0.5]),
    }
    masks = select(coefficients, 3)
    assert masks["a"].tolist() == [[[1, 0], [1, 0]]]
    assert masks["b"].tolist() == [1, 0, 0]
    for budget in range(1, 7):
        assert sum(mask.sum() for mask in select(coefficients, budget).values()) == budget


def test_whole_channels_are_kept_while_they_fit() -> None:
    coefficients = {
        Place("a", (2, 2, 2)): torch.tensor([[[0.9]], [[0.8]]]),
        Place("b", (2, 1, 1)): torch.tensor([[[0.1]], [[0.7]]]),
    }
    masks = select(coefficients, 6)
    assert masks["a"].flatten().tolist() == [1, 0]
    assert masks["b"].flatten().tolist() == [1, 1]


@pytest.mark.parametrize("budget", [0, 7])
def test_an_impossible_budget_is_refused(budget: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 7"):
        select({Place("a", (7,)): torch.ones(7)}, budget)


@pytest.mark.parametrize("config", [SPHYNX, RESNET], ids=["sphynx", "resnet"])
def test_linearization_reaches_its_budget_exactly(config: Config, tmp_path: Path) -> None:
    data = tiny_data()
    network = build(config)
    total = sum(place.elements for place in places(network, 16))
    budget = total // 3
    make_selective(network, 16, channel_wise=False)

    run = Run.begin(config, network, QUICK_CHOICE, data, tmp_path)
    linearization = Linearization(run, budget)
    train(run, until=2, after_epoch=linearization.after_epoch)
    resumed = Run.resume(data, tmp_path)
    resumed.extra["linearization"]["growth"] = 1.21
    linearization = Linearization(resumed, budget)
    norms = sum(c.abs().sum().item() for c in linearization.coefficients.values())
    assert linearization.penalty().item() == pytest.approx(0.121 * norms, rel=1e-4)
    train(resumed, after_epoch=linearization.after_epoch, evaluate_every=50)
    assert linearization.state["relus"] <= budget
    assert resumed.epoch < QUICK_CHOICE.epochs

    binarize(resumed.network, 16, budget)
    assert plain_graph(resumed.network).relus == budget


def test_the_penalty_grows_after_epochs_without_a_new_minimum(tmp_path: Path) -> None:
    network = build(SPHYNX)
    make_selective(network, 16, channel_wise=True)
    recipe = replace(LINEARIZE, batch=8, penalty=1.0)
    run = Run.begin(SPHYNX, network, recipe, tiny_data(), tmp_path)
    linearization = Linearization(run, 100)
    assert linearization.penalty().item() == 8 + 32 + 32
    run.epoch = 5
    assert not linearization.after_epoch(run)
    assert linearization.state["growth"] == 1
    run.epoch = 6
    assert not linearization.after_epoch(run)
    assert linearization.state["growth"] == pytest.approx(1.1)
    with torch.no_grad():
        next(iter(linearization.coefficients.values()))[:4] = 0
    assert not linearization.after_epoch(run)
    assert linearization.state["growth"] == pytest.approx(1.1)
    left = int(linearization.state["relus"])
    assert linearization.describe() == f"{left:,} ReLUs left, the budget is 100"
    with torch.no_grad():
        next(iter(linearization.coefficients.values()))[:2] = 1
    assert not linearization.after_epoch(run)
    assert linearization.state["growth"] == pytest.approx(1.21)
    assert linearization.state["lowest"] == left


def test_masks_are_part_of_a_checkpoint(tmp_path: Path) -> None:
    network = build(SPHYNX)
    reduce_relus(network, 16, cull=[1], thin=[])
    run = Run.begin(SPHYNX, network, replace(LINEARIZE, batch=8), tiny_data(), tmp_path)
    run.save()
    loaded = Checkpoint.load(tmp_path / "checkpoint.pt").build_network()
    assert isinstance(loaded.get_submodule("cells.0.relu"), MaskedReLU)
    assert isinstance(loaded.get_submodule("cells.1.relu"), nn.ReLU)
    images = torch.randn(2, 3, 16, 16)
    assert torch.allclose(loaded.eval()(images), network.eval()(images), atol=1e-5)
    with pytest.raises(ValueError, match="lost ReLUs already"):
        make_selective(loaded, 16, channel_wise=False)


def test_culling_takes_a_stage_and_thinning_every_second_layer_of_it() -> None:
    activations = places(build(RESNET), 16)
    names = [place.name for place in removed(activations, cull=[4], thin=[2])]
    assert names == [
        *("stage2.0.relu1", "stage2.1.relu1"),
        *(f"stage4.{block}.relu{relu}" for block in (0, 1) for relu in (1, 2)),
    ]
    with pytest.raises(ValueError, match="no stage"):
        removed(activations, cull=[5], thin=[])


def test_a_budget_culls_the_least_critical_stages_first() -> None:
    network = build(RESNET)
    activations = places(network, 16)
    total = sum(place.elements for place in activations)
    assert total == 512 * 5 + 256 * 4 + 128 * 4 + 64 * 4
    assert choose(activations, total) == ((), ())
    assert choose(activations, total - 1) == ((), (1, 2, 3, 4))
    assert choose(activations, 1800) == ((1,), ())
    assert choose(activations, 1700) == ((1, 4), ())
    cull, thin = choose(activations, 800)
    assert (cull, thin) == ((1, 4), (2, 3))
    assert reduce_relus(network, 16, cull, thin) == 768 == plain_graph(network).relus
    with pytest.raises(ValueError, match="the least is"):
        choose(activations, 100)
