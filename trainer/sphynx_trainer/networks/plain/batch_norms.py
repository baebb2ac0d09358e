"""Batch norms for a network whose own were folded in, so that it bears a high learning rate."""

import torch
from torch import Tensor, nn

from ..base.batch_norm import BatchNorm2d
from .network import PlainConvolution, PlainNetwork

FILTER_LENGTH = 3.0
"""Euclidean norm of every filter at the start.

A batch norm undoes the length of a filter, but the longer it is, the less a step turns it. Filters
of `sphynx-c100-25k` stay near this length at learning rate 0.1 and weight decay 5e-4.
"""


@torch.no_grad()
def give_batch_norms(network: PlainNetwork, images: Tensor) -> None:
    """Puts a batch norm behind every convolution of a network that has none.

    images: [N, 3, S, S], normalised. The norms begin with the statistics of these images, and with
    the scales and shifts that undo them. So the network computes in evaluation mode, in which it
    is left, what it computed before.
    """

    def watch(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(layer, PlainConvolution)
        _normalise(layer, output)

    layers = [layer for layer in network.modules() if isinstance(layer, PlainConvolution)]
    hooks = [layer.register_forward_hook(watch) for layer in layers]
    network.eval()(images)
    for hook in hooks:
        hook.remove()
    network.config = network.config.with_batch_norm()


def _normalise(layer: PlainConvolution, output: Tensor) -> None:
    """Replaces the bias of a convolution by a batch norm; output: with the bias."""
    norm = BatchNorm2d(len(layer.weight)).to(output.device)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance, mean = torch.var_mean(output, (0, 2, 3))
    lengths = layer.weight.flatten(1).norm(dim=1)
    scale = torch.where(lengths > 0, FILTER_LENGTH / lengths, 1.0)
    layer.weight.mul_(scale.view(-1, 1, 1, 1))
    bias = 0 if layer.bias is None else layer.bias
    norm.running_mean.copy_((mean - bias) * scale)
    norm.running_var.copy_(variance * scale**2)
    norm.weight.copy_(torch.sqrt(norm.running_var + norm.eps) / scale)
    norm.bias.copy_(mean)
    layer.bias, layer.norm = None, norm.eval()
