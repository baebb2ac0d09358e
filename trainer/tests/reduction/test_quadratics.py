from pathlib import Path

import numpy as np
import onnx
import onnx.reference
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sphynx_trainer.data import Dataset, synthetic
from sphynx_trainer.networks.activations.masked_relu import SelectiveReLU, replace_module
from sphynx_trainer.networks.activations.places import places
from sphynx_trainer.networks.activations.quadratic_relu import QuadraticReLU, SelectiveQuadratic
from sphynx_trainer.networks.base.graph_to_onnx import build_onnx
from sphynx_trainer.networks.families import Config, build
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet18Config
from sphynx_trainer.networks.staged.vgg import VGG11Config
from sphynx_trainer.reduction.linearize import Linearization, binarize, make_selective
from sphynx_trainer.reduction.quadratics import LEAST, Choice, Moments, fitted, make_quadratic
from sphynx_trainer.training import Run, train
from sphynx_trainer.training.checkpoint import Checkpoint

from ..conftest import randomise
from .quick_choice import QUICK_CHOICE

SPHYNX = SphynxConfig(2, 3, (0, 1), image_size=16, classes=4)
RESNET = ResNet18Config(channels=2, image_size=16, classes=4)
VGG = VGG11Config(channels=1, hidden=(6,), image_size=32, classes=4)


def tiny_data(size: int = 16) -> Dataset:
    return synthetic(classes=4, image_size=size, records=64)


def test_the_fit_is_the_parabola_with_the_smallest_error_over_what_was_seen() -> None:
    x = torch.randn(64, 3, 5, 5) * torch.tensor([0.01, 1.0, 40.0]).view(3, 1, 1) + 0.3
    moments = Moments(3)
    for part in x.split(16):
        moments.add(part)
    a, b, c = moments.fit().coefficients.double()
    for channel in range(3):
        values = x[:, channel].flatten().double()
        powers = torch.stack([values**2, values, torch.ones_like(values)], dim=1)
        best = torch.linalg.lstsq(powers, F.relu(values)[:, None]).solution[:, 0]

        def error(coefficients: Tensor, powers: Tensor = powers, v: Tensor = values) -> float:
            missed = powers @ coefficients - F.relu(v)
            return float((missed.square().mean() / v.square().mean()).sqrt())

        own = error(torch.stack([a[channel], b[channel], c[channel]]))
        assert own < error(best) + 2e-3


def test_channels_of_one_sign_or_one_value_have_a_fit_too() -> None:
    moments = Moments(4)
    x = torch.rand(50, 4, 2, 2)
    x[:, 1] = -x[:, 1]
    x[:, 2] = 0
    x[:, 3] = 2.5
    moments.add(x)
    (a, b, c), least = moments.fit()
    assert torch.isfinite(torch.stack([a, b, c])).all()
    assert (least > 0).all()
    assert (a >= least).all()
    seen = torch.tensor([0.5, -0.5])
    near = a[:2] * seen**2 + b[:2] * seen + c[:2]
    assert torch.allclose(near, F.relu(seen), atol=0.02)
    assert abs(float(a[3] * 2.5**2 + b[3] * 2.5 + c[3]) - 2.5) < 0.02


def test_a_nearly_straight_relu_gets_the_nearest_parabola_of_the_least_curvature() -> None:
    x = 0.1 + 4 * torch.rand(200, 2, 4, 4)
    x[:, 1] *= 10
    moments = Moments(2)
    moments.add(x)
    (a, b, c), least = moments.fit()
    for channel, values in enumerate(x.transpose(0, 1).flatten(1).double()):
        size = max(values.square().mean().sqrt(), x.double().square().mean().sqrt())
        assert float(least[channel]) == pytest.approx(LEAST / size, rel=1e-5)
        assert float(a[channel]) == pytest.approx(float(least[channel]), rel=1e-6)
        rest = F.relu(values) - a[channel] * values**2
        line = torch.stack([values, torch.ones_like(values)], dim=1)
        best = torch.linalg.lstsq(line, rest[:, None]).solution[:, 0]
        own = torch.stack([b[channel], c[channel]]).double()
        # In units of the values, as far as the ridge of the normal equations allows.
        missed = (line @ (own - best)).square().mean().sqrt() / size
        assert missed < 2e-3
        assert abs(b[channel] / (2 * a[channel])) < 8 * size


def test_a_channel_without_values_gets_the_bound_of_the_others() -> None:
    moments = Moments(2)
    x = torch.randn(100, 2, 3, 3)
    x[:, 1] = 0
    moments.add(x)
    least = moments.fit().least
    assert float(least[1]) == pytest.approx(LEAST / float(x.square().mean().sqrt()), rel=1e-5)
    assert float(Moments(1).fit().least) == LEAST


def test_the_leading_coefficient_stays_above_its_bound_also_in_the_export() -> None:
    x = torch.linspace(-2, 2, 9).expand(1, 2, 1, 9)
    coefficients = torch.tensor([[-0.5, 0.3], [0.5, 0.5], [0.1, 0.1]]).view(3, 2, 1, 1)
    least = torch.tensor([0.2, 0.2]).view(2, 1, 1)
    layer = QuadraticReLU(torch.zeros(2, 1, 1), coefficients, least)
    expected = torch.stack([0.2 * x[0, 0] ** 2, 0.3 * x[0, 1] ** 2]) + 0.5 * x[0] + 0.1
    assert torch.allclose(layer(x)[0], expected)
    layer(x).square().sum().backward()
    gradient = layer.quadratic.grad
    assert gradient is not None
    assert (gradient[0] != 0).all()
    network = build(RESNET)
    first = places(network, 16)[0]
    replace_module(network, first.name, layer)
    graph = plain_graph(network)
    (exported,) = [
        constant
        for node in graph.nodes
        for name, constant in node.constants.items()
        if name.endswith(".a")
    ]
    assert torch.equal(exported.flatten(), torch.tensor([0.2, 0.3]))


def test_a_network_is_the_same_until_its_coefficients_move() -> None:
    network = randomise(build(RESNET))
    images = torch.randn(4, 3, 16, 16)
    expected = network.eval()(images)
    make_quadratic(network, tiny_data(), "element")
    difference = network.eval()(images) - expected
    assert difference.abs().max() < 1e-4 * expected.abs().max()
    with torch.no_grad():
        module = network.get_submodule(places(network, 16)[0].name)
        assert isinstance(module, SelectiveQuadratic)
        module.coefficient.zero_()
    logits = network.eval()(images)
    assert torch.isfinite(logits).all()
    assert (logits - expected).abs().max() > 1e-2 * expected.abs().max()


def test_quadratics_are_nearer_to_the_relus_than_lines_are() -> None:
    data = tiny_data()
    network = randomise(build(RESNET))
    first = places(network, 16)[0]
    images = data.normalise(data.train.images[:32])
    seen: list[Tensor] = []
    hook = network.get_submodule(first.name).register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].detach())
    )
    network.eval()(images)
    hook.remove()
    (x,) = seen
    a, b, c = fitted(network, [first], data)[first.name].coefficients.view(3, -1, 1, 1)
    squared = ((a * x + b) * x + c - F.relu(x)).square().mean()
    assert squared < 0.5 * (x - F.relu(x)).square().mean()


@pytest.mark.parametrize("config", [SPHYNX, RESNET, VGG], ids=lambda config: type(config).__name__)
@pytest.mark.parametrize("choice", ["element", "channel", "layer"])
def test_quadratics_survive_the_export_and_spend_the_budget(config: Config, choice: Choice) -> None:
    size = config.image_size
    network = randomise(build(config))
    make_quadratic(network, tiny_data(size), choice)
    total = sum(place.elements for place in places(network, size))
    with torch.no_grad():
        for place in places(network, size):
            module = network.get_submodule(place.name)
            assert isinstance(module, SelectiveReLU)
            module.coefficient.uniform_(0, 1)
    # Random networks with many quadratics in a row give numbers beyond all bounds.
    budget = total * 9 // 10
    binarize(network, size, budget)
    graph = plain_graph(network)
    assert graph.relus <= budget
    assert graph.squares == total - graph.relus
    if choice == "element":
        assert graph.relus == budget
    model = build_onnx(graph, "quadratic")
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        expected = network.eval()(images).numpy()
    (logits,) = onnx.reference.ReferenceEvaluator(model).run(None, {"image": images.numpy()})
    assert np.abs(logits - expected).max() < 1e-4 * np.abs(expected).max()


def test_layers_of_relus_alone_and_of_quadratics_alone_are_exported_without_masks() -> None:
    network = build(RESNET)
    everywhere = places(network, 16)
    first, second = everywhere[:2]
    for place, ones in ((first, True), (second, False)):
        mask = torch.full(place.channel_shape, float(ones))
        coefficients = torch.ones(3, *place.channel_shape)
        own = QuadraticReLU(mask, coefficients, torch.ones(place.channel_shape))
        replace_module(network, place.name, own)
    graph = plain_graph(network)
    names = {node.name for node in graph.nodes}
    assert sum(node.operator == "Relu" for node in graph.nodes) == len(everywhere) - 1
    assert not any(name.endswith(("_masked", "_kept")) for name in names)
    assert sum(name.endswith("_quadratic") for name in names) == 1


def test_the_penalty_chooses_among_quadratics_and_checkpoints_keep_them(tmp_path: Path) -> None:
    data = tiny_data()
    network = build(SPHYNX)
    make_quadratic(network, data, "element")
    total = sum(place.elements for place in places(network, 16))
    budget = total // 2
    run = Run.begin(SPHYNX, network, QUICK_CHOICE, data, tmp_path)
    linearization = Linearization(run, budget)
    train(run, after_epoch=linearization.after_epoch, evaluate_every=50)
    assert linearization.state["relus"] <= budget
    binarize(run.network, 16, budget)
    run.save()
    loaded = Checkpoint.load(tmp_path / "checkpoint.pt").build_network()
    assert plain_graph(loaded).relus == budget
    module = loaded.get_submodule("cells.0.relu")
    assert isinstance(module, QuadraticReLU)
    assert module.quadratic.requires_grad
    trained = run.network.get_submodule("cells.0.relu")
    assert isinstance(trained, QuadraticReLU)
    assert torch.equal(module.least, trained.least)
    assert (module.least > 0).all()
    images = torch.randn(2, 3, 16, 16)
    assert torch.allclose(loaded.eval()(images), run.network.eval()(images), atol=1e-5)
    with pytest.raises(ValueError, match="lost ReLUs already"):
        make_selective(loaded, 16, channel_wise=False)
