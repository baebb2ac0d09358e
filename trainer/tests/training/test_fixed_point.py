import pytest
import torch
from torch import Tensor, nn

from sphynx_trainer.data import synthetic
from sphynx_trainer.networks.sphynx.network import SphynxConfig, SphynxNetwork
from sphynx_trainer.training.fixed_point import MARGIN, Grid, calibrate, simulated, truncate

TINY = SphynxConfig(2, 3, (0, 1), image_size=16, classes=4)


def protocol_truncation(number: int, share: int, dropped: int, bits: int) -> int:
    """What two parties compute who drop the low bits of their shares mod 2^32 of number + 2^f."""
    other = (number + 2**dropped - share) % 2**32
    kept = ((share >> dropped) + (other >> dropped)) % 2**bits
    return kept - 2**bits if kept >= 2 ** (bits - 1) else kept


@pytest.mark.parametrize("number", [0, 1, 4095, 4096, 70_001, -1, -4096, -70_001])
def test_truncation_rounds_as_the_protocols_shares_do(number: int) -> None:
    dropped, bits, draws = 12, 8, 20_000
    generator = torch.Generator().manual_seed(1)
    shares = torch.randint(2**32, (draws,), generator=generator, dtype=torch.int64).tolist()
    expected = [protocol_truncation(number, share, dropped, bits) for share in shares]
    x = torch.full((draws,), number / 2**dropped)
    found = truncate(x, torch.tensor(1.0), bits)
    assert set(found.tolist()) <= {number // 2**dropped, number // 2**dropped + 1}
    assert found.mean().item() == pytest.approx(sum(expected) / draws, abs=0.02)


def test_numbers_beyond_the_grid_stop_at_its_ends() -> None:
    x = torch.tensor([1000.0, -1000.0])
    assert truncate(x, torch.tensor(0.5), 8).tolist() == [63.5, -64.0]


def test_gradients_pass_unchanged() -> None:
    x = torch.randn(5, requires_grad=True)
    truncate(x, torch.tensor(0.25), 8).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1.0] * 5


def relu_inputs(network: nn.Module, images: Tensor, grid: Grid) -> dict[str, Tensor]:
    """What the ReLUs read under a grid."""
    seen: dict[str, Tensor] = {}
    with torch.no_grad(), simulated(network, grid):
        hooks = [
            network.get_submodule(name).register_forward_hook(
                lambda module, inputs, output, name=name: seen.update({name: inputs[0]})
            )
            for name in grid.steps
        ]
        network(images)
    for hook in hooks:
        hook.remove()
    return seen


def test_a_simulated_network_computes_on_its_grid_and_then_no_longer() -> None:
    data = synthetic(classes=4, image_size=16, records=64)
    network = SphynxNetwork(TINY)
    images = data.normalise(data.train.images)
    grid = calibrate(network, data, bits=10)
    plain = network(images)
    seen = relu_inputs(network, images, grid)
    assert list(seen) == ["cells.0.relu", "cells.1.relu", "cells.2.relu"]
    for name, numbers in seen.items():
        whole = numbers / grid.steps[name]
        assert torch.allclose(whole, whole.round(), atol=1e-3)
    largest = (seen["cells.0.relu"] / grid.steps["cells.0.relu"]).abs().amax((0, 2, 3))
    assert torch.allclose(largest, torch.full_like(largest, 2**9 / MARGIN), atol=1.5)
    assert torch.equal(network(images), plain)


def test_more_bits_come_closer_to_floating_point() -> None:
    data = synthetic(classes=4, image_size=16, records=64)
    network = SphynxNetwork(TINY).eval()
    images = data.normalise(data.test.images)
    with torch.no_grad():
        exact = network(images)

    def error(bits: int) -> float:
        with torch.no_grad(), simulated(network, calibrate(network, data, bits)):
            return float((network(images) - exact).abs().max())

    assert error(12) < 0.5 * error(9) < 0.25 * error(6)
