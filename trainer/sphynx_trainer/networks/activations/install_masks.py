"""Puts activations with masks into a network, so that a state dict that has them can be loaded."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .masked_relu import (
    COEFFICIENT,
    LEAST,
    MASK,
    QUADRATIC,
    MaskedReLU,
    SelectiveReLU,
    replace_module,
)
from .quadratic_relu import QuadraticReLU, SelectiveQuadratic

PARABOLA = (QUADRATIC, LEAST)
"""What activations with quadratics own besides masks or coefficients."""


def install_masks(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Puts an activation with a mask or with coefficients where the state dict has one."""
    for name, value in state.items():
        place, _, leaf = name.rpartition(".")
        own = [state[f"{place}.{part}"] for part in PARABOLA if f"{place}.{part}" in state]
        if leaf == MASK:
            mask = torch.zeros_like(value)
            replace_module(network, place, QuadraticReLU(mask, *own) if own else MaskedReLU(mask))
        elif leaf == COEFFICIENT:
            shape = tuple(value.shape)
            selective = SelectiveQuadratic(shape, *own) if own else SelectiveReLU(shape)
            replace_module(network, place, selective)
