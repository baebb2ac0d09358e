"""A ReLU for some elements of a tensor; the others pass unchanged and cost no garbled circuit."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..base.graph import GraphBuilder

MASK = "mask"
COEFFICIENT = "coefficient"
QUADRATIC = "quadratic"
LEAST = "least"
"""Names of the tensors that the modules own, hence the ends of their names in a state dict."""


class MaskedReLU(nn.Module):
    """mask * relu(x) + (1 - mask) * x.

    mask: zeros and ones [C, H, W], or [C, 1, 1] for whole channels; [C] for vectors.
    """

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer(MASK, mask.float())

    def forward(self, x: Tensor) -> Tensor:
        """Returns the ReLU of the elements that keep theirs, and the others as they are."""
        return torch.where(self.mask.bool(), F.relu(x), x)

    def append_to(self, graph: GraphBuilder, name: str, source: str) -> str:
        """Adds Add(Mul(Relu(X), M), Mul(X, 1 - M)).

        A layer bears its Relu's name; importers find M as `LAYER.mask` and 1 - M as
        `LAYER.mask_complement`.
        """
        relu = graph.node(name, "Relu", (source,))
        kept = graph.node(f"{name}_kept", "Mul", (relu,), {f"{name}.mask": self.mask})
        complement = {f"{name}.mask_complement": 1 - self.mask}
        passed = graph.node(f"{name}_passed", "Mul", (source,), complement)
        return graph.node(f"{name}_masked", "Add", (kept, passed))


class SelectiveReLU(nn.Module):
    """c * relu(x) + (1 - c) * x with trainable c, at first 1 (SNL, section 3.1).

    shape: of c, as that of a mask.
    """

    coefficient: nn.Parameter

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_parameter(COEFFICIENT, nn.Parameter(torch.ones(shape)))

    def forward(self, x: Tensor) -> Tensor:
        """Returns the mixture of every element with its ReLU."""
        return x + self.coefficient * (F.relu(x) - x)

    def fixed(self, mask: Tensor) -> MaskedReLU:
        """What it becomes when the ReLUs are chosen."""
        return MaskedReLU(mask)


def choosing(network: nn.Module) -> list[nn.Parameter]:
    """The coefficients of a network that choose ReLUs."""
    modules = [module for module in network.modules() if isinstance(module, SelectiveReLU)]
    return [module.coefficient for module in modules]


def replace_module(network: nn.Module, name: str, module: nn.Module) -> None:
    """Puts another module in the place of the one with that name."""
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, module)
