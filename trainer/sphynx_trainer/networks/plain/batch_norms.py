"""Batch norms for a network whose own were folded in, so that it bears a high learning rate."""

import torch
from torch import Tensor, nn

from ..base.batch_norm import BatchNorm2d
from .convolution import ConvolutionSum
from .network import PlainNetwork

FILTER_LENGTH = 3.0
"""Euclidean norm of every filter at the start, over all convolutions of a sum.

A batch norm undoes the length of a filter, but the longer it is, the less a step turns it. Filters
of `sphynx-c100-25k` stay near this length at learning rate 0.1 and weight decay 5e-4.
"""


@torch.no_grad()
def give_batch_norms(network: PlainNetwork, images: Tensor) -> None:
    """Puts a batch norm behind every sum of convolutions of a network that has none.

    images: [N, 3, S, S], normalised. The norms begin with the statistics of these images, and with
    the scales and shifts that undo them. So the network computes in evaluation mode, in which it
    is left, what it computed before.
    """

    def watch(layer: nn.Module, inputs: tuple[object, ...], output: Tensor) -> None:
        assert isinstance(layer, ConvolutionSum)
        _normalise(layer, output)

    layers = [layer for layer in network.modules() if isinstance(layer, ConvolutionSum)]
    hooks = [layer.register_forward_hook(watch) for layer in layers]
    network.eval()(images)
    for hook in hooks:
        hook.remove()
    network.config = network.config.with_batch_norm()


def _normalise(layer: ConvolutionSum, output: Tensor) -> None:
    """Replaces the biases of a sum by a batch norm; output: with the biases."""
    terms = layer.convolutions
    norm = BatchNorm2d(output.shape[1]).to(output.device)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance, mean = torch.var_mean(output, (0, 2, 3))
    lengths = torch.cat([term.weight.flatten(1) for term in terms], 1).norm(dim=1)
    scale = torch.where(lengths > 0, FILTER_LENGTH / lengths, 1.0)
    bias = torch.zeros_like(mean)
    for term in terms:
        term.weight.mul_(scale.view(-1, 1, 1, 1))
        bias += 0 if term.bias is None else term.bias
        term.bias = None
    norm.running_mean.copy_((mean - bias) * scale)
    norm.running_var.copy_(variance * scale**2)
    norm.weight.copy_(torch.sqrt(norm.running_var + norm.eps) / scale)
    norm.bias.copy_(mean)
    layer.norm = norm.eval()
