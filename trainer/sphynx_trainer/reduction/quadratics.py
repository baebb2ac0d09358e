"""Quadratics in place of ReLUs: where they start, and how they are chosen (AutoReP, section 3).

Every ReLU becomes c * relu(x) + (1 - c) * q(x), where q starts as the parabola that is nearest to
the ReLU over the values that its channel has in training. The c are driven to a budget as in
`linearize`; by elements, by channels, or by whole layers as DELPHI's planner chooses them.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import Dataset
from ..networks.activations.masked_relu import replace_module
from ..networks.activations.places import Place, unmasked_places
from ..networks.activations.quadratic_relu import SelectiveQuadratic
from ..networks.base.classifier import Classifier

Choice = Literal["element", "channel", "layer"]
"""What keeps or loses its ReLUs as one."""

FIT_IMAGES = 1024
FIT_BATCH = 128
"""Training images over which the parabolas are fitted, and as many at once."""

RIDGE = 1e-6
"""Added to the diagonal of the normal equations, so that a channel that is constant has a fit."""

LEAST = 1 / 16
"""The lower bound of a, where the root mean square of a channel's values is 1. With b at most 1
the vertex, at b / 2a, is then within 8 of zero, and squares around it keep the values' precision.
"""


class Parabolas(NamedTuple):
    """Quadratics of an activation's channels, as they start."""

    coefficients: Tensor
    """a, b and c [3, C]."""
    least: Tensor
    """The lower bound that a keeps in training [C]."""


class Moments:
    """Sums of x^0 .. x^4 and of relu(x) x^0 .. x^2 of one activation's channels."""

    def __init__(self, channels: int) -> None:
        self.powers = torch.zeros(channels, 5, dtype=torch.float64)
        self.products = torch.zeros(channels, 3, dtype=torch.float64)

    def add(self, x: Tensor) -> None:
        """x: [N, C, ...], what an activation is applied to."""
        values = x.detach().double().transpose(0, 1).flatten(1).cpu()
        self.powers += torch.stack([(values**k).sum(1) for k in range(5)], dim=1)
        rectified = F.relu(values)
        self.products += torch.stack([(rectified * values**k).sum(1) for k in range(3)], dim=1)

    def fit(self) -> Parabolas:
        """The parabola of every channel with the smallest squared error whose a is large enough.

        The bound of a is in units of a channel's values, or of the whole activation's where
        these are larger: a channel of zeros has no unit of its own, and a small one needs no
        more precision than the others beside it.
        """
        count = self.powers[:, :1].clamp_min(1)
        powers, products = self.powers / count, self.products / count
        square = powers[:, 2]
        # In units of the root mean square, in which the equations are well-conditioned.
        unit = square.sqrt().clamp_min(1e-12)
        scaled = powers / unit[:, None] ** torch.arange(5)
        rows = [scaled[:, [4 - row, 3 - row, 2 - row]] for row in range(3)]
        matrix = torch.stack(rows, dim=1) + RIDGE * torch.eye(3, dtype=torch.float64)
        right = products[:, [2, 1, 0]] / unit[:, None] ** torch.tensor([3, 2, 1])
        whole = square.mean() if square.any() else torch.ones_like(square)
        least = LEAST / torch.maximum(square, whole).sqrt()
        a = torch.maximum(torch.linalg.solve(matrix, right)[:, 0] / unit, least)
        rest = right[:, 1:] - matrix[:, 1:, 0] * (a * unit)[:, None]
        b, c = torch.linalg.solve(matrix[:, 1:, 1:], rest).unbind(1)
        return Parabolas(torch.stack([a, b, c * unit]).float(), least.float())


@torch.no_grad()
def fitted(network: nn.Module, activations: list[Place], dataset: Dataset) -> dict[str, Parabolas]:
    """By activation the parabolas of its channels. Switches the network to evaluation mode."""
    moments = {place.name: Moments(place.shape[0]) for place in activations}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            moments[name].add(inputs[0])

        return note

    hooks = [network.get_submodule(name).register_forward_pre_hook(watch(name)) for name in moments]
    device = next(network.parameters()).device
    network.eval()
    chosen = torch.arange(min(FIT_IMAGES, len(dataset.train.labels)))
    for images, _ in dataset.train.batches(chosen, FIT_BATCH):
        network(dataset.normalise(images.to(device)))
    for hook in hooks:
        hook.remove()
    return {name: own.fit() for name, own in moments.items()}


def make_quadratic(network: Classifier, dataset: Dataset, choice: Choice) -> None:
    """Replaces every ReLU by a choice between it and a fitted quadratic.

    Raises ValueError for a network with masks.
    """
    found = unmasked_places(network, dataset.image_size)
    parabolas = fitted(network, found, dataset)
    device = next(network.parameters()).device
    for place in found:
        shape = {
            "element": place.shape,
            "channel": place.channel_shape,
            "layer": (1,) * len(place.shape),
        }[choice]
        coefficients, least = parabolas[place.name]
        start = coefficients.view(3, *place.channel_shape), least.view(place.channel_shape)
        replace_module(network, place.name, SelectiveQuadratic(shape, *start).to(device))
