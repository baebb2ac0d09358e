"""ReLUs of networks in the usual micro-search space, for comparison (Sphynx, section 3, table 1).

There every convolution is preceded by a ReLU, separable ones are two in a row, and so is the
convolution that prepares each input of a cell. A cell's output concatenates its nodes. The
skeleton is that of DARTS (Liu et al.): a stem of 3C channels, reduce cells at D/3 and 2D/3, which
double the channels.
"""

from collections import Counter

from ..networks.sphynx.cells import INPUTS
from ..networks.sphynx.genotype import CellPlan, Genotype

STEM_FACTOR = 3
SEPARABLE = ("conv3x3", "conv5x5")
"""Twice ReLU and convolution; the first has the stride."""
DILATED = ("dilated3x3", "dilated5x5")


def micro_search_relus(
    genotype: Genotype, channels: int, depth: int, image_size: int = 32, *, shared: bool = False
) -> int:
    """ReLUs of one inference.

    genotype: its conv and dilated operations stand for the separable ones of the usual space.
    shared: convolutions that read the same node share the ReLU before them (appendix E.1).
    """
    reduce = {depth // 3, 2 * depth // 3}
    # Elements of the two outputs that the next cell reads.
    older = newer = STEM_FACTOR * channels * image_size**2
    size, total = image_size, 0
    for cell in range(depth):
        plan = genotype.reduce if cell in reduce else genotype.normal
        total += older + newer
        outer = channels * size**2
        if cell in reduce:
            channels, size = 2 * channels, size // 2
            outer = channels * (2 * size) ** 2
        inner = channels * size**2
        total += _operations(plan, outer, inner, reduces=cell in reduce, shared=shared)
        older, newer = newer, len(plan) * inner
    return total


def _operations(plan: CellPlan, outer: int, inner: int, *, reduces: bool, shared: bool) -> int:
    """ReLUs of a cell's operations. outer, inner: elements of the cell's inputs and nodes."""
    readers: Counter[int] = Counter()
    after = 0
    for node in plan:
        for operation, source in node:
            halves = reduces and source < INPUTS
            if operation in (*SEPARABLE, *DILATED) or (operation == "skip" and halves):
                readers[source] += 1
            if operation in SEPARABLE:
                after += inner
    return after + sum(
        (outer if source < INPUTS else inner) * (1 if shared else count)
        for source, count in readers.items()
    )
