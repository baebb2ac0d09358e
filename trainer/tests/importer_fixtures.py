"""Writes the small networks with random weights that the importer's tests in TypeScript run.

    python -m tests.importer_fixtures ../test/model/fixtures

The trainer's families are exported as it exports them, the others as PyTorch does.
"""

import gzip
import sys
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from sphynx_trainer.networks.base.classifier import Classifier
from sphynx_trainer.networks.base.graph_to_onnx import build_onnx
from sphynx_trainer.networks.families import Config, build
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.staged.hybrenet import HybReNetConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet18Config, ResNet32Config
from sphynx_trainer.networks.staged.vgg import VGG11Config

from .conftest import mask_at_random, randomise

SIZE = 8
CLASSES = 4

FAMILIES: dict[str, Config] = {
    "resnet18": ResNet18Config(1, image_size=SIZE, classes=CLASSES),
    "resnet32": ResNet32Config(1, image_size=SIZE, classes=CLASSES),
    "vgg11": VGG11Config(1, image_size=32, classes=CLASSES),
    "hybrenet": HybReNetConfig((3, 2, 1), 1, blocks=(1, 1, 1, 1), image_size=SIZE, classes=CLASSES),
}


def conv_norm(
    channels_in: int, channels: int, size: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
    )


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand, depthwise, project without an activation."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        hidden = 3 * channels_in
        self.skip = stride == 1 and channels_in == channels
        self.block = nn.Sequential(
            conv_norm(channels_in, hidden, 1),
            nn.ReLU6(),
            conv_norm(hidden, hidden, 3, stride=stride, groups=hidden),
            nn.ReLU6(),
            conv_norm(hidden, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.block(x)
        return x + result if self.skip else result


class DenseLayer(nn.Module):
    """DenseNet's layer: what it makes is joined to all that came before."""

    def __init__(self, channels: int, growth: int, bottleneck: int = 2) -> None:
        super().__init__()
        inner = bottleneck * growth
        self.block = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, inner, 1, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            nn.Conv2d(inner, growth, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.block(x)], 1)


class PreActivationBlock(nn.Module):
    """ResNetV2's block: the sum goes on without an activation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(torch.relu(self.norm1(x)))
        result: Tensor = x + self.conv2(torch.relu(self.norm2(inner)))
        return result


class UnevenBranches(nn.Module):
    """Two convolutions without an activation between them, beside a shortcut with one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.deep = nn.Sequential(
            conv_norm(channels, channels, 3), conv_norm(channels, channels, 3)
        )
        self.shallow = conv_norm(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.deep(x) + self.shallow(x))


def head(channels: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)]


def networks() -> dict[str, nn.Module]:
    stem = (conv_norm(3, 4, 3), nn.ReLU())
    return {
        "mobilenet": nn.Sequential(
            conv_norm(3, 4, 3, stride=2),
            nn.ReLU6(),
            InvertedResidual(4, 4, 1),
            InvertedResidual(4, 6, 2),
            *head(6),
            nn.Softmax(1),
        ),
        "densenet": nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1, bias=False),
            DenseLayer(4, 2),
            DenseLayer(6, 2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 4, 1, bias=False),
            nn.AvgPool2d(2),
            DenseLayer(4, 2),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            *head(6),
        ),
        "vgg-max": nn.Sequential(
            *stem,
            nn.MaxPool2d(2),
            conv_norm(4, 6, 3),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
            nn.Flatten(),
            nn.Dropout(),
            nn.Linear(24, CLASSES),
        ),
        "preactivation": nn.Sequential(
            conv_norm(3, 4, 3),
            *(PreActivationBlock(4) for _ in range(3)),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            *head(4),
        ),
        "uneven": nn.Sequential(*stem, UnevenBranches(4), UnevenBranches(4), *head(4)),
    }


def write_all(folder: Path) -> None:
    """Writes NAME.onnx.gz for every network; the same bytes every time."""
    folder.mkdir(parents=True, exist_ok=True)

    def write(name: str, onnx: bytes) -> None:
        (folder / f"{name}.onnx.gz").write_bytes(gzip.compress(onnx, mtime=0))

    for name, config in FAMILIES.items():
        write(name, _exported(_family(config), name))
    masked = _family(FAMILIES["resnet18"])
    mask_at_random(masked, SIZE, channel_wise=False)
    write("resnet18-snl", _exported(masked, "resnet18-snl"))
    torch.manual_seed(1)
    for name, network in networks().items():
        path = folder / f"{name}.onnx"
        image = torch.randn(1, 3, SIZE, SIZE)
        export_torch(randomise(network), image, path)
        write(name, path.read_bytes())
        path.unlink()


def export_torch(network: nn.Module, image: Tensor, path: Path) -> None:
    """Exports a network for such images as PyTorch does."""
    with warnings.catch_warnings():
        # The exporter that needs no other package is called old.
        warnings.simplefilter("ignore")
        torch.onnx.export(network.eval(), (image,), path, dynamo=False)


def _exported(network: Classifier, name: str) -> bytes:
    exported: bytes = build_onnx(plain_graph(network), name).SerializeToString(deterministic=True)
    return exported


def _family(config: Config) -> Classifier:
    torch.manual_seed(1)
    network = randomise(build(config))
    assert isinstance(network, Classifier)
    return network.eval()


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
