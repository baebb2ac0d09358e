"""What is trained: the network, perhaps with an auxiliary classifier, and its loss."""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from ..auxiliary import AuxiliaryHead, position
from ..networks.classifier import Classifier
from ..recipe import Recipe


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
        outputs = self.network.block_outputs(images)
        auxiliary = self.auxiliary(outputs[position(len(outputs))]) if self.auxiliary else None
        return Outputs(self.network.head(outputs[-1]), auxiliary)


def loss_of(recipe: Recipe, outputs: Outputs, labels: Tensor, teacher: Tensor | None) -> Tensor:
    """Cross-entropy, the auxiliary classifier's share and, with a teacher's logits, the mean
    squared error between both logits (logit regression: Sphynx, section 5; Ba and Caruana,
    NIPS'14).
    """
    logits = outputs.logits.float()
    loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
    if outputs.auxiliary is not None:
        own = F.cross_entropy(outputs.auxiliary.float(), labels)
        loss = loss + recipe.auxiliary_weight * own
    if teacher is not None:
        loss = loss + recipe.distillation * F.mse_loss(logits, teacher.float())
    return loss
