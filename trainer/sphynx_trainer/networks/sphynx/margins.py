"""Border bookkeeping that keeps every segment between two ReLUs one convolution.

Two convolutions in a row equal one larger convolution only if the map between them is not
zero-padded at its border. So nothing here pads on its own: an operation is given a *patch*,
a map that continues `Margin` rows and columns beyond its own border, and computes exactly
the patch it is asked for. Zeros enter once, around a secret tensor.
"""

from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor


class Margin(NamedTuple):
    """Rows above (and columns left of), rows below (and columns right of) a map."""

    before: int
    after: int


class Reach(NamedTuple):
    """First and last input row that output row 0 reads; the same for columns."""

    first: int
    last: int


NO_MARGIN = Margin(0, 0)


def needed(margin: Margin, reach: Reach, stride: int) -> Margin:
    """The input margin from which an operation computes an output of the given margin.

    The input has `stride` times the output's rows. A negative entry says that the
    operation never reads the input's outermost row.
    """
    return Margin(
        stride * margin.before - reach.first,
        stride * margin.after + reach.last - (stride - 1),
    )


def widest(margins: Iterable[Margin]) -> Margin:
    """The smallest margin that contains all of the given ones and the map itself."""
    before, after = NO_MARGIN
    for margin in margins:
        before, after = max(before, margin.before), max(after, margin.after)
    return Margin(before, after)


def crop(patch: Tensor, have: Margin, want: Margin) -> Tensor:
    """The part of a patch [N, C, H, W] that keeps only the wanted margin."""
    if have == want:
        return patch
    before, after = have.before - want.before, have.after - want.after
    if before < 0 or after < 0:
        raise ValueError(f"cannot crop a patch of {have} to the larger {want}")
    height, width = patch.shape[-2:]
    return patch[..., before : height - after, before : width - after]
