"""What is trained: the network, perhaps with an auxiliary classifier, and its loss."""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from ..data.patches import Patch
from ..networks.base.classifier import Classifier
from .auxiliary import AuxiliaryHead, position
from .recipe import Recipe


class Outputs(NamedTuple):
    """Logits [N, classes] of the network and of its auxiliary classifier, if it has one."""

    logits: Tensor
    auxiliary: Tensor | None


class Student(nn.Module):
    """The modules whose gradients belong together, so that one wrapper serves them all."""

    def __init__(self, network: Classifier, auxiliary: AuxiliaryHead | None) -> None:
        super().__init__()
        self.network = network
        self.auxiliary = auxiliary

    def forward(self, images: Tensor) -> Outputs:
        """Returns the logits of the network and of its auxiliary classifier."""
        outputs = self.network.block_outputs(images)
        auxiliary = self.auxiliary(outputs[position(len(outputs))]) if self.auxiliary else None
        return Outputs(self.network.head(outputs[-1]), auxiliary)


def loss_of(
    recipe: Recipe,
    outputs: Outputs,
    labels: Tensor,
    taught: Tensor | None = None,
    patch: Patch | None = None,
) -> Tensor:
    """Cross-entropy, the auxiliary classifier's share and, with teachers, their term.

    taught: the teachers' logits [teachers, N, classes] of whole images; patch: how the student saw
    the images mixed. It should then answer as for either image, by their shares of the pixels.
    """
    loss = _loss_of_whole(recipe, outputs, labels, taught)
    if patch is None:
        return loss
    partners = patch.partners.to(labels.device)
    partners_taught = None if taught is None else taught[:, partners]
    partners_loss = _loss_of_whole(recipe, outputs, labels[partners], partners_taught)
    return (1 - patch.share) * loss + patch.share * partners_loss


def _loss_of_whole(
    recipe: Recipe, outputs: Outputs, labels: Tensor, taught: Tensor | None
) -> Tensor:
    """The loss for images with these labels, whether or not the student saw them whole."""
    logits = outputs.logits.float()
    loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
    if taught is not None:
        term = teachers_term(logits, taught.float(), recipe.temperature)
        loss = recipe.label_weight * loss + recipe.distillation * term
    if outputs.auxiliary is not None:
        own = F.cross_entropy(outputs.auxiliary.float(), labels)
        loss = loss + recipe.auxiliary_weight * own
    return loss


def teachers_term(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """How far the logits [N, classes] are from the teachers' [teachers, N, classes], per image.

    Without a temperature it is the squared error, summed over the classes, to the mean of their
    logits (Sphynx, appendix G; Ba and Caruana, NIPS'14). With a temperature T it is T^2 times the
    Kullback-Leibler divergence from the mean of their distributions at T (Hinton et al., 2015).
    """
    if not temperature:
        return (logits - taught.mean(dim=0)).square().sum(dim=1).mean()
    wanted = (taught / temperature).softmax(dim=2).mean(dim=0)
    own = (logits / temperature).log_softmax(dim=1)
    return temperature**2 * F.kl_div(own, wanted, reduction="batchmean")
