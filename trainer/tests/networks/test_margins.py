import pytest
import torch

from sphynx_trainer.networks.sphynx.margins import NO_MARGIN, Margin, Reach, crop, needed, widest


def test_a_3x3_convolution_needs_one_more_row_on_each_side() -> None:
    assert needed(Margin(2, 2), Reach(-1, 1), 1) == Margin(3, 3)


def test_a_strided_convolution_needs_one_row_less_below() -> None:
    assert needed(NO_MARGIN, Reach(-1, 1), 2) == Margin(1, 0)


def test_the_shifted_grids_of_a_factorized_reduce_need_no_margin() -> None:
    assert needed(NO_MARGIN, Reach(0, 1), 2) == NO_MARGIN


def test_the_widest_margin_is_taken_on_each_side() -> None:
    assert widest([Margin(1, 4), Margin(3, 2)]) == Margin(3, 4)
    assert widest([Margin(0, -1)]) == NO_MARGIN


def test_crop_keeps_the_wanted_margin() -> None:
    patch = torch.arange(36.0).view(1, 1, 6, 6)
    assert torch.equal(crop(patch, Margin(2, 1), Margin(1, 1)), patch[..., 1:, 1:])


def test_crop_refuses_to_grow_a_patch() -> None:
    with pytest.raises(ValueError, match="cannot crop"):
        crop(torch.zeros(1, 1, 4, 4), NO_MARGIN, Margin(1, 0))
