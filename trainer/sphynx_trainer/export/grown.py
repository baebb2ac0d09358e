"""Training a network that starts as a smaller model."""

from pathlib import Path
from typing import Any

from ..data import Dataset
from ..networks.base.classifier import Classifier
from ..networks.families import Config
from ..networks.plain.batch_norms import give_batch_norms
from ..networks.plain.growth import grow
from ..networks.plain.network import PlainNetwork
from .collapsed import NORMALISED_OVER, without_batch_norms
from .import_model import history, read_plain


def grown(
    network: Classifier, config: Config, dataset: Dataset, model: Path
) -> tuple[PlainNetwork, list[dict[str, Any]]]:
    """The exported form of `network` with a smaller model's weights, and that one's recipes.

    Its manifest says of which network it is the form and which model it grew from. Raises as
    `read_plain` and `grow`.
    """
    smaller, manifest = read_plain(model, dataset)
    plain = without_batch_norms(network, config, dataset)
    grow(plain, smaller)
    plain.config.origin["grownFrom"] = smaller.config.origin["fineTunedFrom"]
    give_batch_norms(plain, dataset.sample(NORMALISED_OVER))
    return plain, history(manifest)
