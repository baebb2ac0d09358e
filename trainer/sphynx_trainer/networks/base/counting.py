"""What one private inference costs, from a configuration alone: no network is built or run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerCount:
    """A ReLU layer (or the logits) and the linear map before it.

    name: of the network's `nn.ReLU`. macs: multiplications by weights, those with a
    composed kernel's structural zeros included; parameters: weights and biases, batch norm folded.
    """

    name: str
    relus: int
    macs: int
    parameters: int


@dataclass(frozen=True)
class NetworkCount:
    """A network in the form it is exported in."""

    layers: tuple[LayerCount, ...]

    @property
    def relus(self) -> int:
        """ReLUs of one inference."""
        return sum(layer.relus for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiplications of one inference; a network of 1 GMAC has 2 GFLOPs."""
        return sum(layer.macs for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(layer.parameters for layer in self.layers)


@dataclass(frozen=True)
class ConvolutionShape:
    """A convolution with bias to `size` rows and columns, and what a ReLU after it costs.

    groups: of channels, each of which reads its own part of the inputs.
    """

    channels_in: int
    channels: int
    kernel: int
    size: int
    groups: int = 1

    @property
    def macs(self) -> int:
        """Multiplications."""
        return self.size**2 * self.weights

    @property
    def weights(self) -> int:
        """Numbers in the kernel."""
        return self.channels_in // self.groups * self.channels * self.kernel**2

    @property
    def elements(self) -> int:
        """Numbers in the output."""
        return self.size**2 * self.channels


def relu_layer(name: str, *parts: ConvolutionShape, relu: bool = True) -> LayerCount:
    """relu(sum of the parts), every part with a bias of its own; or the sum alone."""
    return LayerCount(
        name=name,
        relus=parts[0].elements if relu else 0,
        macs=sum(part.macs for part in parts),
        parameters=sum(part.weights + part.channels for part in parts),
    )


def linear_layer(name: str, features_in: int, features: int, *, relu: bool = False) -> LayerCount:
    """A fully connected layer with bias."""
    macs = features_in * features
    return LayerCount(name, features if relu else 0, macs, macs + features)
