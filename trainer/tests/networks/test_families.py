from collections import defaultdict
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.networks.base.classifier import Classifier
from sphynx_trainer.networks.families import (
    FAMILIES,
    Config,
    build,
    config_from_json,
    config_to_json,
    count,
    family_of,
)
from sphynx_trainer.networks.plain.config import PlainConfig
from sphynx_trainer.networks.plain_graph import CollapseError, plain_graph, verify
from sphynx_trainer.networks.sphynx.cell_network import CellNetwork
from sphynx_trainer.networks.sphynx.genotype import Edge, Genotype, find_genotype
from sphynx_trainer.networks.sphynx.imagenet import SphynxImageNetConfig
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.comparisons import ConvNeXtConfig, RegNetConfig
from sphynx_trainer.networks.staged.hybrenet import HYBRENETS, HybReNetConfig
from sphynx_trainer.networks.staged.resnet import ResNetPlan
from sphynx_trainer.networks.staged.resnet_configs import ResNet18Config, ResNet32Config
from sphynx_trainer.networks.staged.vgg import VGG11Config
from sphynx_trainer.training.presets import PRESETS

from ..conftest import randomise

EVERY = Genotype(
    "every",
    normal=(
        (Edge("average_pool", 0), Edge("dilated5x5", 1)),
        (Edge("zero", 1), Edge("conv5x5", 2)),
    ),
    reduce=((Edge("average_pool", 0), Edge("zero", 1)), (Edge("skip", 0), Edge("dilated3x3", 2))),
)

SMALL: list[Config] = [
    SphynxConfig(3, 4, (0, 2), classes=10),
    SphynxConfig(3, 4, (0, 2), classes=10, form="slim"),
    SphynxConfig(2, 4, (1, 2), genotype=EVERY, image_size=64),
    SphynxConfig(2, 2, ()),
    SphynxImageNetConfig(4, 3, (1,), image_size=64, classes=10),
    SphynxImageNetConfig(4, 3, (1,), image_size=64, classes=10, form="slim"),
    SphynxImageNetConfig(2, 3, (0, 1), genotype=EVERY, image_size=96, classes=10),
    ResNet18Config(4, classes=10),
    ResNet18Config(4, classes=10, stem_relu=False),
    ResNet18Config(4, image_size=128, classes=10),
    ResNet32Config(4, classes=10),
    HybReNetConfig((3, 2, 2), 4, classes=10),
    RegNetConfig((8, 16, 24), (1, 2, 1), group_width=4, classes=10),
    RegNetConfig((4, 8), (1, 1), group_width=4, image_size=128, classes=10),
    ConvNeXtConfig(4, (1, 2, 1), classes=10),
    ConvNeXtConfig(3, (1, 1), image_size=128, classes=10),
    VGG11Config(4, classes=10),
    VGG11Config(4, (24, 16), image_size=64, classes=10),
    PlainConfig.of(plain_graph(build(SphynxConfig(3, 4, (0, 2), classes=10)))),
]


def ident(config: Config) -> str:
    return f"{family_of(config)}-{config.image_size}"


def small_network(config: Config) -> Classifier:
    network = randomise(build(config))
    assert isinstance(network, Classifier)
    return network.eval()


@pytest.mark.parametrize("config", SMALL, ids=ident)
def test_the_relus_that_run_are_counted_layer_by_layer(config: Config) -> None:
    network = build(config).eval()
    seen: dict[str, int] = defaultdict(int)
    for name, module in network.named_modules():
        if isinstance(module, nn.ReLU):

            def hook(
                module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor, name: str = name
            ) -> None:
                seen[name] += output.numel()

            module.register_forward_hook(hook)
    with torch.no_grad():
        network(torch.randn(1, 3, config.image_size, config.image_size))
    assert {layer.name: layer.relus for layer in count(config).layers if layer.relus} == seen


@pytest.mark.parametrize("config", SMALL, ids=ident)
def test_counts_are_those_of_the_exported_graph(config: Config) -> None:
    graph, counted = plain_graph(small_network(config)), count(config)
    assert (counted.relus, counted.macs, counted.parameters) == (
        graph.relus,
        graph.macs,
        graph.parameters,
    )


@pytest.mark.parametrize(
    "config",
    [config for config in SMALL if not isinstance(config, SphynxConfig | PlainConfig)],
    ids=ident,
)
def test_the_multiplications_that_run_are_counted(config: Config) -> None:
    network, seen = build(config).eval(), 0

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal seen
        assert isinstance(module.weight, Tensor)
        seen += output.numel() * module.weight[0].numel()

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(hook)
    with torch.no_grad():
        network(torch.randn(1, 3, config.image_size, config.image_size))
    assert count(config).macs == seen


@pytest.mark.parametrize("config", SMALL, ids=ident)
def test_small_networks_tell_images_apart(config: Config) -> None:
    """Otherwise the comparisons of their logits would say nothing."""
    with torch.no_grad():
        logits = small_network(config)(torch.randn(8, 3, config.image_size, config.image_size))
    assert logits.std(dim=0).max() > 0.01 * logits.abs().max()


@pytest.mark.parametrize("config", SMALL, ids=ident)
def test_the_graph_computes_what_the_trained_network_does(config: Config) -> None:
    network = small_network(config)
    assert verify(network, plain_graph(network)) < 1e-5
    corner = torch.zeros(2, 3, config.image_size, config.image_size)
    corner[0, :, 0, 0] = corner[1, :, -1, -1] = 100
    with torch.no_grad():
        expected, got = network(corner), plain_graph(network)(corner)
    assert torch.allclose(got, expected, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("config", [ResNet32Config(2), VGG11Config(2)], ids=ident)
def test_a_graph_that_differs_is_refused(config: Config) -> None:
    network = small_network(config)
    graph = plain_graph(network)
    with torch.no_grad():
        network.classify.weight *= 1.001
    with pytest.raises(CollapseError, match="relative error"):
        verify(network, graph)


@pytest.mark.parametrize("config", SMALL, ids=ident)
def test_a_configuration_survives_being_written_down(config: Config) -> None:
    assert config_from_json(config_to_json(config)) == config


def test_a_configuration_without_a_family_is_sphynx() -> None:
    content = {
        "channels": 5,
        "depth": 5,
        "reduce": (0, 1),
        "genotype": "sphynx-cifar100",
        "image_size": 32,
        "classes": 100,
    }
    assert config_from_json(content) == SphynxConfig(5, 5, (0, 1))


def test_an_unknown_family_or_genotype_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown family 'vit'"):
        config_from_json({"family": "vit"})
    with pytest.raises(ValueError, match="unknown genotype"):
        find_genotype(str(tmp_path / "none.json"))
    with pytest.raises(ValueError, match="a genotype has"):
        Genotype.from_json({"name": "half", "normal": []})
    with pytest.raises(ValueError, match="not before it"):
        Genotype("ahead", ((Edge("skip", 0), Edge("skip", 2)),), ())


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (lambda: ResNetPlan((4, 8), (2,), 32, 10), "per stage"),
        (lambda: RegNetConfig((8, 12), (1, 1)).plan, "no multiples of 8"),
        (lambda: ResNet18Config(image_size=20).plan, "multiple of 8"),
        (lambda: VGG11Config(image_size=48), "multiple of 32"),
        (lambda: SphynxImageNetConfig(5, 5, (0,)), "even C"),
    ],
)
def test_impossible_shapes_are_refused(plan: object, message: str) -> None:
    assert callable(plan)
    with pytest.raises(ValueError, match=message):
        plan()


@pytest.mark.parametrize("name", HYBRENETS)
def test_a_hybrenet_has_most_relus_where_they_matter_most(name: str) -> None:
    """DeepReShape: stage 3 before 2 before 4 before 1, the stem apart."""
    relus: dict[str, int] = defaultdict(int)
    for layer in count(HybReNetConfig(HYBRENETS[name], 8)).layers:
        relus[layer.name.partition(".")[0]] += layer.relus
    assert relus["stage3"] > relus["stage2"] > relus["stage4"] > relus["stage1"] > 0


def test_the_published_shapes_have_the_published_parameters() -> None:
    """RegNetX-200MF has 2.7 M and ConvNeXt-V2 Atto 3.7 M on ImageNet; ours have another stem."""
    regnet = count(RegNetConfig(image_size=224, classes=1000))
    convnext = count(ConvNeXtConfig(image_size=224, classes=1000))
    assert 2.6e6 < regnet.parameters < 2.8e6
    assert 3.5e6 < convnext.parameters < 3.9e6


def test_the_networks_to_compare_have_equal_relus() -> None:
    def relus(name: str) -> int:
        return count(PRESETS[name].config(32, 100)).relus

    for name in ("regnet-c100", "convnext-c100"):
        assert abs(relus(name) / relus("hrn-5x5x3x-c100") - 1) < 0.025, name


def test_every_family_is_tested_here() -> None:
    assert {family_of(config) for config in SMALL} == set(FAMILIES)
    cells = [build(config) for config in SMALL if isinstance(config, SphynxConfig)]
    assert all(isinstance(network, CellNetwork) for network in cells)
