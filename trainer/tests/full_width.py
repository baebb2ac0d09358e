"""Writes networks of their usual width for CIFAR-100, with random weights, to measure their cost.

    python -m tests.full_width FOLDER [NAME...]

The trainer's families are exported as it exports them, the others as PyTorch does.
"""

import sys
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from sphynx_trainer.networks.base.classifier import Classifier
from sphynx_trainer.networks.base.graph_to_onnx import export_onnx
from sphynx_trainer.networks.families import Config, build
from sphynx_trainer.networks.plain_graph import plain_graph
from sphynx_trainer.networks.staged.hybrenet import HybReNetConfig
from sphynx_trainer.networks.staged.resnet_configs import ResNet18Config, ResNet32Config
from sphynx_trainer.networks.staged.vgg import VGG11Config

from .conftest import mask_at_random
from .importer_fixtures import DenseLayer, conv_norm, export_torch

SIZE = 32
CLASSES = 100

FAMILIES: dict[str, Config] = {
    "resnet18": ResNet18Config(),
    "resnet32": ResNet32Config(),
    "vgg11": VGG11Config(),
    "hybrenet": HybReNetConfig(channels=8),
}


def vgg_max() -> nn.Sequential:
    """VGG11 with a 2x2 MaxPool after every stage."""
    parts: list[nn.Module] = []
    channels = 3
    for stage in ((64,), (128,), (256, 256), (512, 512), (512, 512)):
        for width in stage:
            parts += [conv_norm(channels, width, 3), nn.ReLU()]
            channels = width
        parts.append(nn.MaxPool2d(2))
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(channels, CLASSES))


def mobilenet() -> nn.Sequential:
    """MobileNet (Howard et al., 2017): depthwise and pointwise convolutions in turns."""
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    widths = (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)
    parts: list[nn.Module] = [conv_norm(3, widths[0], 3), nn.ReLU()]
    for (channels, width), stride in zip(pairwise(widths), strides, strict=True):
        parts += [conv_norm(channels, channels, 3, stride, groups=channels), nn.ReLU()]
        parts += [conv_norm(channels, width, 1), nn.ReLU()]
    return nn.Sequential(*parts, *head(widths[-1]))


def densenet() -> nn.Sequential:
    """DenseNet-BC of 40 layers, 12 channels each (Huang et al., CVPR 2017)."""
    growth, channels = 12, 24
    parts: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
    for block in range(3):
        for _ in range(6):
            parts.append(DenseLayer(channels, growth, bottleneck=4))
            channels += growth
        parts += [nn.BatchNorm2d(channels), nn.ReLU()]
        if block < 2:
            parts += [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*parts, *head(channels))


def head(channels: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)]


OTHERS = {"vgg-max": vgg_max, "mobilenet": mobilenet, "densenet": densenet}
NAMES = (*FAMILIES, "resnet18-snl", *OTHERS)


def write(folder: Path, name: str) -> None:
    """Writes NAME.onnx. Raises KeyError for a name that is not among NAMES."""
    path = folder / f"{name}.onnx"
    torch.manual_seed(1)
    image = torch.randn(64, 3, SIZE, SIZE)
    if name in OTHERS:
        export_torch(settled(OTHERS[name](), image), image[:1], path)
        return
    network = settled(build(FAMILIES[name.removesuffix("-snl")]), image)
    assert isinstance(network, Classifier)
    if name.endswith("-snl"):
        mask_at_random(network, SIZE, channel_wise=False)
    export_onnx(plain_graph(network), name, path)


def settled(network: nn.Module, images: Tensor) -> nn.Module:
    """Takes the statistics of all batch norms from images, so that logits stay small."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 1.0
    with torch.no_grad():
        network.train()(images)
    return network.eval()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for chosen in sys.argv[2:] or NAMES:
        write(target, chosen)
