"""DenseNet-BC, 100 layers and growth 12 (Huang et al., CVPR 2017), named as public weights are."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GROWTH = 12
BOTTLENECK = 4 * GROWTH
LAYERS = 16
"""Of each of the three dense blocks."""


class Bottleneck(nn.Module):
    """The input, and GROWTH channels computed from it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, BOTTLENECK, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(BOTTLENECK)
        self.conv2 = nn.Conv2d(BOTTLENECK, GROWTH, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels + GROWTH, H, W]."""
        new = self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))
        return torch.cat((x, new), dim=1)


class DenseBlock(nn.Module):
    """LAYERS bottlenecks."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = nn.Sequential(*(Bottleneck(channels + i * GROWTH) for i in range(LAYERS)))

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels + LAYERS * GROWTH, H, W]."""
        result: Tensor = self.layer(x)
        return result


class Transition(nn.Module):
    """Half of the channels and of the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels / 2, H / 2, W / 2]."""
        return F.avg_pool2d(self.conv1(F.relu(self.bn1(x))), 2)


class DenseNetBC100(nn.Module):
    """[N, 3, 32, 32] normalised images -> [N, classes] logits."""

    def __init__(self, classes: int = 100) -> None:
        super().__init__()
        channels = 2 * GROWTH
        self.conv1 = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.block1 = DenseBlock(channels)
        channels += LAYERS * GROWTH
        self.trans1 = Transition(channels)
        channels = channels // 2
        self.block2 = DenseBlock(channels)
        channels += LAYERS * GROWTH
        self.trans2 = Transition(channels)
        channels = channels // 2
        self.block3 = DenseBlock(channels)
        channels += LAYERS * GROWTH
        self.bn1 = nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Returns the logits of normalised images."""
        first = self.trans1(self.block1(self.conv1(images)))
        features = self.block3(self.trans2(self.block2(first)))
        logits: Tensor = self.fc(F.relu(self.bn1(features)).mean(dim=(2, 3)))
        return logits
