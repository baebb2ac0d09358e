"""Whole set-ups: a data set, a network and a recipe; the papers' by name, others from YAML."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..data import DATASETS, Dataset
from ..networks.families import Config, config_from_json
from ..networks.staged.hybrenet import HYBRENETS
from .recipe import Recipe
from .recipes import PAPER, PAPER_IMAGENET, PAPER_TINY, RECIPES, RESNET

SPHYNX_PAPER = "Cho et al., Sphynx: ReLU-Efficient Network Design for Private Inference"


@dataclass(frozen=True)
class Published:
    """A paper's figures. accuracy: percent; online_ms: of its own system and machine."""

    accuracy: float
    relus: int
    online_ms: int
    reference: str = SPHYNX_PAPER


@dataclass(frozen=True)
class Preset:
    """network: a configuration's family and fields, without what the data set decides."""

    name: str
    dataset: str
    network: dict[str, Any]
    recipe: Recipe
    published: Published | None = field(default=None)

    def config(self, image_size: int, classes: int) -> Config:
        """The network's configuration for such images. Raises ValueError."""
        return config_from_json({**self.network, "image_size": image_size, "classes": classes})


def read_preset(name: str) -> Preset:
    """A preset of this package, or the YAML file of that name.

    The file has `dataset`, `network` (family and fields) and `recipe`: a name, or fields that
    differ from those of the recipe `base`. Raises ValueError for anything else.
    """
    if name in PRESETS:
        return PRESETS[name]
    path = Path(name)
    if not path.is_file():
        raise ValueError(f"no preset and no file is called {name!r}; presets: {', '.join(PRESETS)}")
    content = parse_yaml(path.read_text(), name)
    if not isinstance(content, dict) or set(content) != {"dataset", "network", "recipe"}:
        raise ValueError(f"{path}: expected dataset, network and recipe, nothing else")
    dataset, network, recipe = (content[key] for key in ("dataset", "network", "recipe"))
    if dataset not in DATASETS:
        raise ValueError(f"{path}: unknown data set {dataset!r}; known: {', '.join(DATASETS)}")
    if not isinstance(network, dict):
        raise ValueError(f"{path}: network needs a family and its fields")
    return Preset(path.stem, dataset, network, _read_recipe(recipe, path))


def parse_yaml(text: str, name: str) -> object:
    """The value that a text of YAML has. name: of the text, in errors. Raises ValueError."""
    try:
        value: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{name} is not YAML: {' '.join(str(error).split())}") from error
    return value


def published_for(dataset: Dataset, config: Config) -> Published | None:
    """What the papers report for a network on a data set."""
    for preset in PRESETS.values():
        if preset.dataset == dataset.name and preset.published is not None:
            own = preset.config(dataset.image_size, len(dataset.classes))
            if own == config:
                return preset.published
    return None


def _read_recipe(content: object, path: Path) -> Recipe:
    changes = {"base": content} if isinstance(content, str) else content
    if not isinstance(changes, dict) or changes.get("base") not in RECIPES:
        raise ValueError(f"{path}: recipe needs a base, one of {', '.join(RECIPES)}")
    own = {key: value for key, value in changes.items() if key != "base"}
    base = RECIPES[changes["base"]]
    return base.changed({"name": path.stem, **own}) if own else base


def _sphynx(
    name: str,
    dataset: str,
    recipe: Recipe,
    shape: tuple[int, int, tuple[int, int]],
    published: Published | None,
    family: str = "sphynx",
) -> Preset:
    channels, depth, reduce = shape
    cells = {"channels": channels, "depth": depth, "reduce": list(reduce)}
    network = {"family": family, "form": "paper", **cells}
    return Preset(name, dataset, network, recipe, published)


def _cifar(name: str, shape: tuple[int, int, tuple[int, int]], *figures: float) -> Preset:
    return _sphynx(f"sphynx-c100-{name}", "cifar100", PAPER, shape, _published(*figures))


def _tiny(name: str, shape: tuple[int, int, tuple[int, int]], *figures: float) -> Preset:
    return _sphynx(f"sphynx-tiny-{name}", "tiny-imagenet", PAPER_TINY, shape, _published(*figures))


def _imagenet(name: str, channels: int, *figures: float) -> Preset:
    published = _published(*figures) if figures else None
    shape = (channels, 10, (1, 5))
    preset = f"sphynx-imagenet-{name}"
    return _sphynx(preset, "imagenet", PAPER_IMAGENET, shape, published, "sphynx-imagenet")


def _hybrenet(name: str, base: str) -> Preset:
    """A HybReNet for CIFAR-100, from ResNet18 or, for base "34", from ResNet34."""
    network: dict[str, Any] = {
        "family": "hybrenet",
        "multipliers": list(HYBRENETS[name]),
        "channels": 16,
    }
    if base == "34":
        network["blocks"] = [3, 4, 6, 3]
    return Preset(f"hrn{base}-{name}-c100", "cifar100", network, RESNET)


def _scaled(name: str, family: str, channels: int, *figures: float) -> Preset:
    """A network for ImageNet that the Sphynx paper scaled by its first channels (table 4)."""
    network = {"family": family, "channels": channels}
    recipe, published = PAPER_IMAGENET, _published(*figures)
    return Preset(f"{family}-imagenet-{name}", "imagenet", network, recipe, published)


def _published(accuracy: float, relus: float, online_ms: float) -> Published:
    return Published(accuracy, int(relus), int(online_ms))


PRESETS = {
    preset.name: preset
    for preset in (
        _cifar("25k", (5, 5, (0, 1)), 66.13, 25_600, 727),
        _cifar("30k", (5, 6, (0, 1)), 67.37, 30_200, 861),
        _cifar("41k", (5, 8, (1, 3)), 68.23, 41_000, 1105),
        _cifar("51k", (5, 10, (0, 5)), 69.57, 51_200, 1335),
        _cifar("72k", (7, 10, (0, 5)), 71.06, 71_700, 1805),
        _cifar("102k", (10, 10, (0, 5)), 72.90, 102_400, 2385),
        _cifar("230k", (15, 15, (2, 6)), 74.93, 230_000, 5120),
        _tiny("102k", (5, 5, (0, 1)), 48.44, 102_400, 2350),
        _tiny("205k", (5, 10, (0, 5)), 53.51, 204_800, 4401),
        _tiny("287k", (7, 10, (0, 5)), 56.72, 286_700, 6140),
        _tiny("492k", (12, 10, (0, 5)), 59.12, 491_500, 10_205),
        _tiny("614k", (15, 10, (0, 5)), 60.76, 614_400, 12_548),
        _imagenet("345k", 20, 51.85, 345_000, 7340),
        _imagenet("517k", 30, 57.72, 517_000, 10_980),
        _imagenet("690k", 40),
        _imagenet("862k", 50, 64.43, 862_000, 18_340),
        _imagenet("1034k", 60, 66.00, 1_034_000, 22_020),
        _scaled("288k", "resnet18", 8, 31.93, 288_400, 6060),
        _scaled("577k", "resnet18", 16, 47.09, 577_000, 12_120),
        _scaled("1154k", "resnet18", 32, 60.15, 1_154_000, 24_225),
        _scaled("464k", "vgg11", 4, 39.68, 470_000, 9870),
        _scaled("928k", "vgg11", 8, 49.76, 940_000, 19_740),
        Preset("resnet18-c100", "cifar100", {"family": "resnet18"}, RESNET),
        Preset("resnet18-snl-c100", "cifar100", {"family": "resnet18", "stem_relu": False}, RESNET),
        *(_hybrenet(name, base) for base in ("", "34") for name in HYBRENETS),
        # As many ReLUs as HRN-5x5x3x's 343,040: 335,872 and 350,208.
        Preset(
            "regnet-c100", "cifar100", {"family": "regnet", "widths": [16, 40, 112, 264]}, RESNET
        ),
        Preset("convnext-c100", "cifar100", {"family": "convnext", "channels": 18}, RESNET),
        Preset("resnet32-c100", "cifar100", {"family": "resnet32"}, RESNET),
    )
}
"""The networks of the Sphynx paper, and those that SNL, DeepReDuce and DeepReShape start from."""
