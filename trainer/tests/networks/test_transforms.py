"""Both ways to compute the discrete Fourier transform of small maps."""

import pytest
import torch

from sphynx_trainer.networks.plain.transforms import TwoStepTransform, WholeTransform

WAYS = [WholeTransform, TwoStepTransform]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("side", "period"), [(8, 12), (16, 20), (5, 6), (3, 8), (1, 2)])
def test_a_transform_is_that_of_the_map_with_zeros(
    way: type[WholeTransform | TwoStepTransform], side: int, period: int
) -> None:
    transform, maps = way(side, period), torch.randn(side, side, 7)
    assert len(transform.waves) == way.count(period)
    parts = transform.analyse(maps)
    wanted = torch.fft.fft2(maps.double(), s=(period, period), dim=(0, 1))
    rows, columns = torch.tensor(transform.waves).T
    assert torch.allclose(parts, torch.view_as_real(wanted[rows, columns]).float().mT, atol=1e-4)
    assert torch.allclose(transform.synthesise(parts), maps, atol=1e-5)


def test_two_steps_take_fewer_multiplications() -> None:
    whole, two_steps = (way.multiplications(16, 20) for way in WAYS)
    assert (whole, two_steps) == (2 * 202 * 256, 22 * 256 + 11 * 40 * 32)
