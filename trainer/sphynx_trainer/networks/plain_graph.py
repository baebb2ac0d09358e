"""From a trained network to the plain graph that is exported, verified."""

import torch

from .base.classifier import Classifier
from .base.graph import Graph
from .plain.network import PlainNetwork
from .sphynx.cell_network import CellNetwork
from .sphynx.collapse import collapsed_graph
from .staged.resnet import ResNet
from .staged.vgg import VGG11

TOLERANCE = 1e-4
"""Largest error of the graph's logits, relative to the largest logit."""

VERIFIED_IMAGES = 8


class CollapseError(Exception):
    """The plain graph does not compute what the trained network does."""


@torch.no_grad()
def plain_graph(network: Classifier) -> Graph:
    """The graph of a network of any family, verified. Switches `network` to evaluation mode.

    Raises CollapseError if the two forms disagree on random images.
    """
    network.eval()
    if isinstance(network, CellNetwork):
        graph = collapsed_graph(network)
    elif isinstance(network, ResNet | VGG11 | PlainNetwork):
        graph = network.graph()
    else:
        raise TypeError(f"{type(network).__name__} has no plain graph")
    verify(network, graph)
    return graph


@torch.no_grad()
def verify(network: Classifier, graph: Graph) -> float:
    """The largest relative error of the logits on random images. Raises CollapseError."""
    size = graph.image_size
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(VERIFIED_IMAGES, 3, size, size, generator=generator)
    images = images.to(next(network.parameters()).device)
    expected = network.eval()(images)
    error = float((graph(images) - expected).abs().max() / expected.abs().max())
    if not error < TOLERANCE:
        raise CollapseError(
            f"the plain graph differs from the trained network: relative error {error:.1e}, "
            f"at most {TOLERANCE:.0e} is allowed; the network has a path that is not linear, "
            "or one that pads between two convolutions"
        )
    return error
