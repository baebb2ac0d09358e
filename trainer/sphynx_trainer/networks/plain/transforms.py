"""The discrete Fourier transform of small square maps as products with constant matrices."""

from math import pi

import torch
from torch import Tensor, nn

Wave = tuple[int, int]
"""How often it repeats within a period, along the rows and along the columns."""


class WholeTransform(nn.Module):
    """Maps of side S -> their W waves that the others do not follow from, and back, at once.

    waves: those; a real map's other ones are the conjugates of their mirror images.
    """

    analysis: Tensor
    synthesis: Tensor

    def __init__(self, side: int, period: int) -> None:
        super().__init__()
        self.side, half = side, period // 2
        self.waves = [
            (row, column)
            for row in range(half + 1)
            for column in range(period)
            if row not in (0, half) or column <= half
        ]
        here = angles(self.waves, torch.arange(side), period)
        analysis = torch.stack((here.cos(), -here.sin()), 1).flatten(0, 1)
        # All waves but the four real ones stand for their mirror image too.
        alone = [row in (0, half) and column in (0, half) for row, column in self.waves]
        weight = torch.tensor([1 if each else 2 for each in alone]).repeat_interleave(2)
        _hold(self, analysis=analysis, synthesis=analysis.T * weight / period**2)

    @staticmethod
    def count(period: int) -> int:
        """W."""
        return period**2 // 2 + 2

    @classmethod
    def multiplications(cls, side: int, period: int) -> int:
        """For one map, either way."""
        return 2 * cls.count(period) * side**2

    def analyse(self, maps: Tensor) -> Tensor:
        """[S, S, K] maps -> [W, 2, K], the real and the imaginary parts."""
        return (self.analysis @ maps.reshape(self.side**2, -1)).view(len(self.waves), 2, -1)

    def synthesise(self, parts: Tensor) -> Tensor:
        """[W, 2, K] parts -> the first S rows and columns of the maps, [S, S, K]."""
        maps = self.synthesis @ parts.reshape(2 * len(self.waves), -1)
        return maps.view(self.side, self.side, -1)


class TwoStepTransform(nn.Module):
    """The same, first along the rows and then along the columns.

    That takes a fraction of the multiplications, but a few more waves: those of the first and the
    last row are here together with their mirror images.
    """

    along: Tensor
    across: Tensor
    back: Tensor

    def __init__(self, side: int, period: int) -> None:
        super().__init__()
        self.side, half = side, period // 2
        self.rows = half + 1
        self.waves = [(row, column) for row in range(self.rows) for column in range(period)]
        places = torch.arange(side).double()
        rows, columns = (
            2 * pi / period * torch.arange(count)[:, None] * places for count in (self.rows, period)
        )
        along = torch.stack((rows.cos(), -rows.sin()), 1).flatten(0, 1)
        # Multiplies by exp(-i columns): [real, imaginary] -> real and -> imaginary part.
        cos, sin = columns.cos(), columns.sin()
        across = torch.stack((torch.cat((cos, sin), 1), torch.cat((-sin, cos), 1)), 1)
        weight = torch.tensor([1 if row in (0, half) else 2 for row in range(self.rows)])
        _hold(
            self,
            along=along,
            across=across.flatten(0, 1).repeat(self.rows, 1, 1),
            back=along.T * weight.repeat_interleave(2) / period**2,
        )

    @staticmethod
    def count(period: int) -> int:
        """W."""
        return (period // 2 + 1) * period

    @staticmethod
    def multiplications(side: int, period: int) -> int:
        """For one map, either way."""
        rows = period // 2 + 1
        return 2 * rows * side**2 + 4 * rows * period * side

    def analyse(self, maps: Tensor) -> Tensor:
        """[S, S, K] maps -> [W, 2, K], the real and the imaginary parts."""
        rows = self.along @ maps.reshape(self.side, -1)
        parts = torch.bmm(self.across, rows.view(self.rows, 2 * self.side, -1))
        return parts.view(len(self.waves), 2, -1)

    def synthesise(self, parts: Tensor) -> Tensor:
        """[W, 2, K] parts -> the first S rows and columns of the maps, [S, S, K]."""
        rows = torch.bmm(self.across.mT, parts.reshape(self.rows, self.across.shape[1], -1))
        return (self.back @ rows.view(2 * self.rows, -1)).view(self.side, self.side, -1)


def angles(waves: list[Wave], places: Tensor, period: int) -> Tensor:
    """2 pi <wave, (row, column)> / period for all pairs of places, [waves, places^2]."""
    rows, columns = torch.tensor(waves, dtype=torch.float64).T
    by_row, by_column = (wave[:, None] * places.double() for wave in (rows, columns))
    found: Tensor = 2 * pi / period * (by_row[:, :, None] + by_column[:, None, :])
    return found.flatten(1)


def _hold(module: nn.Module, **matrices: Tensor) -> None:
    for name, matrix in matrices.items():
        module.register_buffer(name, matrix.float().contiguous(), persistent=False)
