"""ResNet-56 of CIFAR's kind (He et al., CVPR 2016, section 4.2), named as public weights name it.

A shortcut that changes shape is a 1x1 convolution and batch norm.
"""

from torch import Tensor, nn
from torch.nn import functional as F

BLOCKS = 9
"""Basic blocks of each of the three stages."""
WIDTHS = (16, 32, 64)


class BasicBlock(nn.Module):
    """relu(two 3x3 convolutions + shortcut)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's output."""
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(inner + self.downsample(x))


class ResNet56(nn.Module):
    """[N, 3, 32, 32] normalised images -> [N, classes] logits."""

    def __init__(self, classes: int = 100) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.layer1 = _stage(WIDTHS[0], WIDTHS[0], 1)
        self.layer2 = _stage(WIDTHS[0], WIDTHS[1], 2)
        self.layer3 = _stage(WIDTHS[1], WIDTHS[2], 2)
        self.fc = nn.Linear(WIDTHS[2], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Returns the logits of normalised images."""
        stem = F.relu(self.bn1(self.conv1(images)))
        features = self.layer3(self.layer2(self.layer1(stem)))
        logits: Tensor = self.fc(features.mean(dim=(2, 3)))
        return logits


def _stage(channels_in: int, channels: int, stride: int) -> nn.Sequential:
    first = BasicBlock(channels_in, channels, stride)
    return nn.Sequential(first, *(BasicBlock(channels, channels, 1) for _ in range(BLOCKS - 1)))
