"""What a bilevel search needs of a network."""

from torch import Tensor, nn


class Searchable(nn.Module):
    """[N, 3, S, S] -> logits, by weights and by an architecture that is learnt beside them."""

    def architecture(self) -> list[nn.Parameter]:
        """The parameters that the validation half of the data trains."""
        raise NotImplementedError

    def weights(self) -> list[nn.Parameter]:
        """The parameters that the training half trains. Parameters in neither list are fixed."""
        chosen = {id(parameter) for parameter in self.architecture()}
        return [
            parameter
            for parameter in self.parameters()
            if parameter.requires_grad and id(parameter) not in chosen
        ]

    def begin_step(self, progress: float) -> None:
        """Told before every step which share of the search is done, from 0 to 1."""

    def forward(self, images: Tensor) -> Tensor:
        """Returns the logits [N, classes] of images [N, 3, S, S]."""
        raise NotImplementedError
