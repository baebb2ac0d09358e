"""Puts activations with masks into a network, so that a state dict that has them can be loaded."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .masked_relu import (
    COEFFICIENT,
    MASK,
    QUADRATIC,
    MaskedReLU,
    SelectiveReLU,
    replace_module,
)
from .quadratic_relu import QuadraticReLU, SelectiveQuadratic


def install_masks(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Puts an activation with a mask or with coefficients where the state dict has one."""
    for name, value in state.items():
        place, _, leaf = name.rpartition(".")
        quadratic = state.get(f"{place}.{QUADRATIC}")
        if leaf == MASK:
            mask = torch.zeros_like(value)
            plain = MaskedReLU(mask) if quadratic is None else QuadraticReLU(mask, quadratic)
            replace_module(network, place, plain)
        elif leaf == COEFFICIENT:
            shape = tuple(value.shape)
            selective = (
                SelectiveReLU(shape) if quadratic is None else SelectiveQuadratic(shape, quadratic)
            )
            replace_module(network, place, selective)
