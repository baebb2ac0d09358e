"""Quadratics a x^2 + b x + c in place of some ReLUs (DELPHI; AutoReP, Peng and others, ICCV'23).

They cost an oblivious product and no garbled circuit: about a quarter of a ReLU's bytes online.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..base.graph import SQUARE, GraphBuilder
from .masked_relu import LEAST, QUADRATIC, MaskedReLU, SelectiveReLU


def quadratic(x: Tensor, coefficients: Tensor, least: Tensor) -> Tensor:
    """Returns a x^2 + b x + c, with a lower bound of a.

    A bound above zero has two reasons. In a channel with ReLUs the private protocol takes squares
    of one sign only. And it completes the square, so a quadratic that is nearly a line would be
    the small difference of two large numbers.

    coefficients: a, b and c, one of each per channel, [3, C, 1, 1] or [3, C].
    least: the bound, one per channel, [C, 1, 1] or [C].
    """
    a, b, c = coefficients
    # Below the bound a keeps its gradient, so that it can come back.
    bounded = a + (least - a).clamp_min(0).detach()
    value: Tensor = (bounded * x + b) * x + c
    return value


class QuadraticReLU(MaskedReLU):
    """mask * relu(x) + (1 - mask) * (a x^2 + b x + c), with trainable a, b and c.

    coefficients, least: as `quadratic` takes them.
    """

    quadratic: nn.Parameter
    least: Tensor

    def __init__(self, mask: Tensor, coefficients: Tensor, least: Tensor) -> None:
        super().__init__(mask)
        self.register_parameter(QUADRATIC, nn.Parameter(coefficients.detach().clone()))
        self.register_buffer(LEAST, least.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Returns the ReLU of the elements that keep theirs, and the quadratic of the others."""
        other = quadratic(x, self.quadratic, self.least)
        return torch.where(self.mask.bool(), F.relu(x), other)

    def append_to(self, graph: GraphBuilder, name: str, source: str) -> str:
        """Adds Add(Mul(Relu(X), M), Mul(Q, 1 - M)), where Q is A X^2 + B X + C.

        Without a ReLU it is Q alone, and without a square the Relu alone.
        """
        if bool(self.mask.all()):
            return graph.node(name, "Relu", (source,))
        square = graph.node(f"{name}{SQUARE}", "Mul", (source, source))
        a, b, c = self.quadratic
        bounded = {f"{name}.a": torch.maximum(a, self.least)}
        scaled = graph.node(f"{name}_scaled", "Mul", (square,), bounded)
        line = graph.node(f"{name}_line", "Mul", (source,), {f"{name}.b": b})
        total = graph.node(f"{name}_sum", "Add", (scaled, line))
        whole = graph.node(f"{name}_quadratic", "Add", (total,), {f"{name}.c": c})
        if not bool(self.mask.any()):
            return whole
        relu = graph.node(name, "Relu", (source,))
        kept = graph.node(f"{name}_kept", "Mul", (relu,), {f"{name}.mask": self.mask})
        complement = {f"{name}.mask_complement": 1 - self.mask}
        other = graph.node(f"{name}_other", "Mul", (whole,), complement)
        return graph.node(f"{name}_masked", "Add", (kept, other))


class SelectiveQuadratic(SelectiveReLU):
    """c * relu(x) + (1 - c) * q(x) with trainable c, at first 1, and a trainable quadratic q.

    coefficients, least: as `quadratic` takes them.
    """

    quadratic: nn.Parameter
    least: Tensor

    def __init__(self, shape: tuple[int, ...], coefficients: Tensor, least: Tensor) -> None:
        super().__init__(shape)
        self.register_parameter(QUADRATIC, nn.Parameter(coefficients.detach().clone()))
        self.register_buffer(LEAST, least.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Returns the mixture of every element's ReLU and quadratic."""
        other = quadratic(x, self.quadratic, self.least)
        return other + self.coefficient * (F.relu(x) - other)

    def fixed(self, mask: Tensor) -> MaskedReLU:
        """Returns the layer that stays once the ReLUs are chosen."""
        return QuadraticReLU(mask, self.quadratic, self.least)
