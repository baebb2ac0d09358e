"""Every family of networks: its configuration, how it is built, counted and written down."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from .base.classifier import Classifier
from .base.counting import NetworkCount
from .plain.config import PlainConfig, count_plain
from .plain.network import PlainNetwork
from .sphynx.cell_network import SphynxConfig
from .sphynx.counting import count_sphynx, count_sphynx_imagenet
from .sphynx.genotype import Genotype, find_genotype
from .sphynx.imagenet import SphynxImageNetConfig, SphynxImageNetNetwork
from .sphynx.network import SphynxNetwork
from .staged.comparisons import ConvNeXtConfig, RegNetConfig
from .staged.hybrenet import HybReNetConfig
from .staged.resnet import ResNet, count_resnet
from .staged.resnet_configs import ResNet18Config, ResNet32Config
from .staged.vgg import VGG11, VGG11Config, count_vgg11

Config = (
    SphynxConfig
    | SphynxImageNetConfig
    | ResNet18Config
    | ResNet32Config
    | HybReNetConfig
    | VGG11Config
    | RegNetConfig
    | ConvNeXtConfig
    | PlainConfig
)


@dataclass(frozen=True)
class Family:
    """How the configurations of one kind become networks and counts."""

    config: type[Any]
    build: Callable[[Any], Classifier]
    count: Callable[[Any], NetworkCount]


def _residual(config: type[Any]) -> Family:
    return Family(
        config, lambda chosen: ResNet(chosen.plan), lambda chosen: count_resnet(chosen.plan)
    )


FAMILIES = {
    "sphynx": Family(SphynxConfig, SphynxNetwork, count_sphynx),
    "sphynx-imagenet": Family(SphynxImageNetConfig, SphynxImageNetNetwork, count_sphynx_imagenet),
    "resnet18": _residual(ResNet18Config),
    "resnet32": _residual(ResNet32Config),
    "hybrenet": _residual(HybReNetConfig),
    "regnet": _residual(RegNetConfig),
    "convnext": _residual(ConvNeXtConfig),
    "vgg11": Family(VGG11Config, VGG11, count_vgg11),
    "plain": Family(PlainConfig, PlainNetwork, count_plain),
}
"""By the name that manifests and checkpoints use."""


def build(config: Config) -> Classifier:
    """A network with fresh weights."""
    return FAMILIES[family_of(config)].build(config)


def count(config: Config) -> NetworkCount:
    """The network's costs in the form it is exported in; builds no network."""
    return FAMILIES[family_of(config)].count(config)


def family_of(config: Config) -> str:
    """The name of a configuration's family."""
    return next(name for name, family in FAMILIES.items() if type(config) is family.config)


def config_to_json(config: Config) -> dict[str, Any]:
    """The form that `config_from_json` reads: plain values and the family's name."""
    content = {"family": family_of(config), **asdict(config)}
    if isinstance(config, SphynxConfig):
        content["genotype"] = config.genotype.to_json()
    return content


def config_from_json(content: dict[str, Any]) -> Config:
    """Reads what `config_to_json` wrote. Without a family it is Sphynx. Raises ValueError."""
    if content.get("family") == "plain":
        return PlainConfig.from_json({k: v for k, v in content.items() if k != "family"})
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }
    family = fields.pop("family", "sphynx")
    if family not in FAMILIES:
        raise ValueError(f"unknown family {family!r}; expected one of {', '.join(FAMILIES)}")
    if "genotype" in fields:
        genotype = fields["genotype"]
        by_name = isinstance(genotype, str)
        fields["genotype"] = find_genotype(genotype) if by_name else Genotype.from_json(genotype)
    for name in {"channels", "depth"} & set(fields):
        if not isinstance(fields[name], int) or fields[name] < 1:
            raise ValueError(f"{name} must be a whole number above 0, got {fields[name]!r}")
    try:
        config: Config = FAMILIES[family].config(**fields)
    except TypeError as error:
        raise ValueError(f"this is no network of the family {family}: {error}") from error
    return config
