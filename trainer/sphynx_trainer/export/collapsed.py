"""Training a network in the form in which it is exported."""

from ..data import Dataset
from ..networks.base.classifier import Classifier
from ..networks.families import Config
from ..networks.plain.batch_norms import give_batch_norms
from ..networks.plain.envelopes import envelopes_of, give_envelopes
from ..networks.plain.network import PlainNetwork
from ..networks.plain_graph import plain_graph
from .manifest import kind_of, paper_of

NORMALISED_OVER = 256
"""Training images whose statistics the batch norms begin with."""


def collapsed(network: Classifier, config: Config, dataset: Dataset) -> PlainNetwork:
    """The form that `network` is exported in, with batch norms, as a network that trains.

    It computes the same in evaluation mode and has a convolution for each input of a cell. Its
    weights are at least as free as those of the cells: they need not be products of the kernels of
    a cell's operations. Their envelopes are those of the kernels that it begins with. Its manifest
    says of which network it is the form.
    """
    plain = without_batch_norms(network, config, dataset)
    give_envelopes(plain, envelopes_of(plain))
    give_batch_norms(plain, dataset.sample(NORMALISED_OVER))
    return plain


def without_batch_norms(network: Classifier, config: Config, dataset: Dataset) -> PlainNetwork:
    """The form that `network` is exported in, whose batch norms are folded in."""
    origin = {**kind_of(config), **paper_of(config, dataset), "dataset": dataset.name}
    return PlainNetwork.of(plain_graph(network), origin)
