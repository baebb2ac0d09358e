"""Envelopes: how large the taps of an exported form's kernels are meant to be.

The kernel of a cell is a product of its operations' small kernels. So its taps are large in the
middle and small at the edge, and stay so in training. As free parameters they would all change
alike, and the many at the edge would learn noise. With an envelope e, a kernel is e * w for a
parameter w: a step changes a tap by e^2 times as much, and weight decay holds it near its size.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..base.batch_norm import OTHERS
from .convolution import ConvolutionSum, PlainConvolution
from .network import PlainNetwork

LEAST = 0.01
"""Smallest element of an envelope, in units of its largest."""


@torch.no_grad()
def envelopes_of(network: PlainNetwork) -> list[Tensor]:
    """An envelope [k, k] for each convolution, in order, from the weights of now.

    Its elements are the root mean squares of the taps over all channels, and over the eight ways to
    turn and mirror a kernel. The mean of their squares is 1, so that filters keep their length.
    """
    return [_envelope(term.kernel) for term in _convolutions(network)]


def _envelope(kernels: Tensor) -> Tensor:
    squares = kernels.square().mean((0, 1))
    ways = [torch.rot90(way, turns) for way in (squares, squares.T) for turns in range(4)]
    size = torch.stack(ways).mean(0).sqrt()
    size = size.clamp_min(LEAST * float(size.max()))
    return size / size.square().mean().sqrt()


@torch.no_grad()
def give_envelopes(network: PlainNetwork, envelopes: Sequence[Tensor]) -> None:
    """Gives each convolution of a network without batch norms its envelope. Kernels stay."""
    for term, envelope in zip(_convolutions(network), envelopes, strict=True):
        term.weight.copy_(term.kernel / envelope)
        term.envelope.copy_(envelope)


@torch.no_grad()
def narrow(network: PlainNetwork, envelopes: Sequence[Tensor], images: Tensor) -> None:
    """Shrinks the taps that are larger beside their kernel's largest than in its envelope.

    What they have learned is mostly noise, which `give_envelopes` would blow up. images:
    [N, 3, S, S], normalised. On them the channels of every sum keep their mean and variance.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, ConvolutionSum)]
    wanted: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def measure(layer: nn.Module, inputs: tuple[object, ...], output: Tensor) -> None:
        wanted[layer] = torch.var_mean(output, OTHERS)

    def restore(layer: nn.Module, inputs: tuple[object, ...], output: Tensor) -> Tensor:
        assert isinstance(layer, ConvolutionSum)
        return _restore(layer, output, *wanted[layer])

    _watch(network, layers, measure, images)
    for term, envelope in zip(_convolutions(network), envelopes, strict=True):
        size = term.kernel.square().mean((0, 1)).sqrt()
        largest = size.max()
        if largest > 0:
            share = (envelope / envelope.max()) / (size / largest)
            term.weight.mul_(share.clamp_max(1.0))
    _watch(network, layers, restore, images)


def _watch(
    network: PlainNetwork,
    layers: Sequence[ConvolutionSum],
    hook: Callable[..., Tensor | None],
    images: Tensor,
) -> None:
    """Passes images through the network, in evaluation mode, with a forward hook on the layers."""
    handles = [layer.register_forward_hook(hook) for layer in layers]
    network.eval()(images)
    for handle in handles:
        handle.remove()


def _restore(layer: ConvolutionSum, output: Tensor, variance: Tensor, mean: Tensor) -> Tensor:
    """Scales the filters of a sum and shifts its bias, so that its outputs have these statistics.

    Returns what the output becomes.
    """
    now, centre = torch.var_mean(output, OTHERS)
    scale = torch.where(now > 0, (variance / now).sqrt(), 1.0)
    shift = mean - scale * centre
    terms = layer.convolutions
    biases = [term.bias for term in terms if term.bias is not None]
    for term in terms:
        term.weight.mul_(scale.view(-1, 1, 1, 1))
    for bias in biases:
        bias.mul_(scale)
    biases[0].add_(shift)
    return output * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)


def _convolutions(network: PlainNetwork) -> list[PlainConvolution]:
    return [module for module in network.modules() if isinstance(module, PlainConvolution)]
