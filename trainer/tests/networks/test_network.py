import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.networks.sphynx.network import SphynxConfig, SphynxNetwork

PAPER = [
    (SphynxConfig(5, 5, (0, 1)), 25_600),
    (SphynxConfig(5, 8, (1, 3)), 40_960),
    (SphynxConfig(5, 10, (0, 5)), 51_200),
    (SphynxConfig(2, 3, ()), 6_144),
    (SphynxConfig(1, 4, (1, 2, 3)), 4_096),
    (SphynxConfig(2, 4, (0, 2), image_size=64), 32_768),
    (SphynxConfig(5, 5, (0, 1), form="slim"), 25_600),
    (SphynxConfig(2, 4, (0, 2), image_size=64, form="slim"), 32_768),
]


@pytest.mark.parametrize(("config", "relus"), PAPER)
def test_the_relus_that_run_are_exactly_h0_w0_c_d(config: SphynxConfig, relus: int) -> None:
    counted = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal counted
        counted += output[0].numel()

    network = SphynxNetwork(config).eval()
    for cell in network.cells:
        cell.register_forward_hook(count)
    with torch.no_grad():
        logits = network(torch.randn(1, 3, config.image_size, config.image_size))
    assert logits.shape == (1, config.classes)
    assert counted == config.relus == relus


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of paper, slim"):
        SphynxConfig(5, 5, (0, 1), form="thin")


def test_an_unknown_balance_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of relus, flops"):
        SphynxConfig(5, 5, (0, 1), balance="pixels")


@pytest.mark.parametrize("reduce", [(1, 0), (0, 0), (5,), (-1,)])
def test_impossible_reduce_cells_are_refused(reduce: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="reduce cells"):
        SphynxConfig(5, 5, reduce)


def test_a_size_that_cannot_be_halved_is_refused() -> None:
    with pytest.raises(ValueError, match="image size"):
        SphynxConfig(5, 5, (0, 1), image_size=30)


def test_dropped_paths_change_training_but_not_evaluation() -> None:
    network = SphynxNetwork(SphynxConfig(2, 2, (0,), classes=4))
    images = torch.randn(4, 3, 32, 32)
    plain = network.eval()(images)
    for cell in network.cells:
        cell.drop_path = 0.5
    assert torch.equal(network(images), plain)
    network.train()
    assert not torch.equal(network(images), network(images))
