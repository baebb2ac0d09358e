"""Counts as the papers print them (Sphynx: tables 2, 4, 9, 12 and 16; DELPHI's ResNet32)."""

import math

import pytest

from sphynx_trainer.networks.families import Config, build, count
from sphynx_trainer.networks.sphynx.cells import FORMS, Form
from sphynx_trainer.networks.sphynx.imagenet import SphynxImageNetConfig
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet18Config, ResNet32Config
from sphynx_trainer.networks.staged.vgg import VGG11Config

CIFAR = [
    ((5, 5, (0, 1)), 25.6),
    ((5, 8, (1, 3)), 41.0),
    ((5, 10, (0, 5)), 51.2),
    ((7, 10, (0, 5)), 71.7),
    ((10, 10, (0, 5)), 102.4),
    ((15, 15, (2, 6)), 230.4),
    ((6, 8, (1, 3)), 49.2),
    ((7, 7, (0, 1)), 50.2),
    ((8, 6, (0, 1)), 49.2),
    ((10, 5, (0, 1)), 51.2),
]
TINY = [
    ((5, 5, (0, 1)), 102.4),
    ((5, 10, (0, 5)), 204.8),
    ((7, 10, (0, 5)), 286.7),
    ((12, 10, (0, 5)), 491.5),
    ((15, 10, (0, 5)), 614.4),
    ((20, 10, (0, 5)), 819.2),
]
IMAGENET = [(10, 172), (20, 345), (30, 517), (40, 690), (50, 862), (60, 1035)]
HIDDEN = (4096, 4096)

TABLE: list[tuple[Config, float, int]] = [
    *((SphynxConfig(*shape, form=form), relus, 1) for shape, relus in CIFAR for form in FORMS),
    *((SphynxConfig(*shape, image_size=64, classes=200), relus, 1) for shape, relus in TINY),
    *((SphynxImageNetConfig(c, 10, (1, 5)), relus, 0) for c, relus in IMAGENET),
    (ResNet18Config(), 557.06, 2),
    (ResNet18Config(stem_relu=False), 491.52, 2),
    (ResNet18Config(image_size=64, classes=200), 2228.2, 1),
    (ResNet18Config(8, 224, 1000), 289, 0),
    (ResNet18Config(16, 224, 1000), 577, 0),
    (ResNet18Config(32, 224, 1000), 1154, 0),
    (ResNet18Config(64, 224, 1000), 2308, 0),
    (ResNet32Config(), 303, 0),
    (VGG11Config(4, HIDDEN, 224, 1000), 472, 0),
    (VGG11Config(8, HIDDEN, 224, 1000), 936, 0),
]


@pytest.mark.parametrize(("config", "thousands", "digits"), TABLE)
def test_a_published_network_has_its_published_relus(
    config: Config, thousands: float, digits: int
) -> None:
    assert round(count(config).relus / 1000, digits) == thousands


def test_the_papers_formula_gives_its_second_network_more_relus_than_it_prints() -> None:
    """The paper prints 30.2K for C = 5, D = 6; its own formula gives 32 * 32 * 5 * 6."""
    assert count(SphynxConfig(5, 6, (0, 1))).relus == 30_720


def test_the_papers_unscaled_vgg11_is_not_its_scaled_ones_enlarged() -> None:
    """The paper prints 7488K; the layers that give its 472K and 936K give 7434K at 64 channels."""
    assert count(VGG11Config(64, HIDDEN, 224, 1000)).relus == 7_434_240


@pytest.mark.parametrize(
    ("shape", "thousands"),
    [((17, 5, (0, 1)), 26.1), ((17, 6, (0, 1)), 30.4), ((14, 10, (0, 5)), 53.7)],
)
def test_networks_with_balanced_flops_have_the_relus_of_table_11(
    shape: tuple[int, int, tuple[int, int]], thousands: float
) -> None:
    """The paper cuts digits off. It prints 41.4K for C = 12, D = 8, whose layers have 39.9K."""
    config = SphynxConfig(*shape, balance="flops")
    assert math.floor(count(config).relus / 100) / 10 == thousands
    assert config.relus == count(config).relus


@pytest.mark.parametrize(
    ("shape", "form", "parameters", "printed"),
    [
        ((5, 5, (0, 1)), "paper", 2_888_015, 2.75),
        ((5, 6, (0, 1)), "paper", 3_580_175, 3.41),
        ((5, 8, (1, 3)), "paper", 3_626_375, 3.45),
        ((5, 5, (0, 1)), "slim", 1_574_845, None),
        ((5, 6, (0, 1)), "slim", 2_036_445, None),
        ((5, 8, (1, 3)), "slim", 2_067_295, None),
    ],
)
def test_the_papers_form_has_the_papers_parameters(
    shape: tuple[int, int, tuple[int, int]], form: Form, parameters: int, printed: float | None
) -> None:
    """Table 12 prints multiples of 2^20."""
    assert parameters_of(SphynxConfig(*shape, form=form)) == parameters
    if printed is not None:
        assert abs(parameters / 2**20 - printed) < LAST_DIGIT


@pytest.mark.parametrize(
    ("shape", "printed"),
    [((5, 5, (0, 1)), 0.35), ((5, 6, (0, 1)), 0.43), ((5, 8, (1, 3)), 0.45)],
)
def test_separable_convolutions_have_the_papers_parameters(
    shape: tuple[int, int, tuple[int, int]], printed: float
) -> None:
    parameters = parameters_of(SphynxConfig(*shape, separable=True))
    assert abs(parameters / 2**20 - printed) < LAST_DIGIT


LAST_DIGIT = 0.01
"""One in the last digit that table 12 prints."""


def parameters_of(config: Config) -> int:
    """Numbers that are trained."""
    return sum(parameter.numel() for parameter in build(config).parameters())


def test_the_forms_cost_this_much_in_private() -> None:
    """Multiplications and weights of the collapsed C = 5, D = 5 network."""
    paper, slim = (count(SphynxConfig(5, 5, (0, 1), form=form)) for form in FORMS)
    assert (paper.macs, paper.parameters) == (242_281_280, 3_741_940)
    assert (slim.macs, slim.parameters) == (140_454_720, 2_188_340)
