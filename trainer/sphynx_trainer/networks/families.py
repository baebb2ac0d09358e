"""Every family of networks: its configuration, how it is built and how it is written down."""

from dataclasses import asdict
from typing import Any

from .genotype import Genotype, find_genotype
from .sphynx import SphynxConfig, SphynxNetwork

FAMILIES = {"sphynx": (SphynxConfig, SphynxNetwork)}
"""Name -> (configuration, network)."""


def build(config: SphynxConfig) -> SphynxNetwork:
    """A network with fresh weights."""
    return FAMILIES[family_of(config)][1](config)


def family_of(config: SphynxConfig) -> str:
    """The name of a configuration's family."""
    return next(name for name, (kind, _) in FAMILIES.items() if type(config) is kind)


def config_to_json(config: SphynxConfig) -> dict[str, Any]:
    """The form that `config_from_json` reads: plain values and the family's name."""
    content = {"family": family_of(config), **asdict(config)}
    if "genotype" in content:
        content["genotype"] = config.genotype.to_json()
    return content


def config_from_json(content: dict[str, Any]) -> SphynxConfig:
    """Reads what `config_to_json` wrote. Without a family it is Sphynx. Raises ValueError."""
    fields = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }
    family = fields.pop("family", "sphynx")
    if family not in FAMILIES:
        raise ValueError(f"unknown family {family!r}; expected one of {', '.join(FAMILIES)}")
    if "genotype" in fields:
        genotype = fields["genotype"]
        by_name = isinstance(genotype, str)
        fields["genotype"] = find_genotype(genotype) if by_name else Genotype.from_json(genotype)
    return FAMILIES[family][0](**fields)
