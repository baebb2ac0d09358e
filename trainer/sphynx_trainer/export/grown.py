"""Training a network that starts as a smaller model."""

from pathlib import Path
from typing import Any

from ..data import Dataset
from ..networks.base.classifier import Classifier
from ..networks.families import Config
from ..networks.plain.batch_norms import give_batch_norms
from ..networks.plain.envelopes import envelopes_of, give_envelopes, narrow
from ..networks.plain.growth import grow
from ..networks.plain.network import PlainNetwork
from .collapsed import NORMALISED_OVER, without_batch_norms
from .import_model import history, read_plain


def grown(
    network: Classifier, config: Config, dataset: Dataset, model: Path
) -> tuple[PlainNetwork, list[dict[str, Any]]]:
    """The exported form of `network` with a smaller model's weights, and that one's recipes.

    Its kernels are narrowed to the envelopes of `network`'s own. Its manifest says of which network
    it is the form and which model it grew from. Raises as `read_plain` and `grow`.
    """
    smaller, manifest = read_plain(model, dataset)
    plain = without_batch_norms(network, config, dataset)
    envelopes, images = envelopes_of(plain), dataset.sample(NORMALISED_OVER)
    grow(plain, smaller)
    plain.config.origin["grownFrom"] = smaller.config.origin["fineTunedFrom"]
    narrow(plain, envelopes, images)
    give_envelopes(plain, envelopes)
    give_batch_norms(plain, images)
    return plain, history(manifest)
