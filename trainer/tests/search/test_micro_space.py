import pytest

from sphynx_trainer.cli.program import main
from sphynx_trainer.networks.sphynx.genotype import DARTS, PC_DARTS, Edge, Genotype
from sphynx_trainer.search.micro_space import micro_search_relus

TABLE_1 = [
    ((36, 20), 7796, 8073),
    ((5, 10), 523.5, 591.4),
    ((5, 5), 231.6, 314.9),
    ((2, 4), 73.2, 107.5),
    ((1, 4), 36.6, 53.8),
]
"""(C, D), and the paper's thousands of ReLUs with cells of DARTS and of PC-DARTS."""


@pytest.mark.parametrize(("shape", "darts", "pc_darts"), TABLE_1)
def test_table_1_is_counted(shape: tuple[int, int], darts: float, pc_darts: float) -> None:
    """The paper cuts digits off.

    Its PC-DARTS has two maps of a reduce cell less than the cells that PC-DARTS published.
    """
    channels, depth = shape
    assert 0 <= micro_search_relus(DARTS, channels, depth) / 1000 - darts < 1
    first, second = channels * 2 * 16**2, channels * 4 * 8**2
    counted = micro_search_relus(PC_DARTS, channels, depth) - 2 * (first + second)
    assert counted / 1000 == pytest.approx(pc_darts, abs=0.6)


def test_shared_relus_are_counted_once_a_node() -> None:
    """Of the one normal cell of two, three convolutions read input 0."""
    plan = ((Edge("conv3x3", 0), Edge("dilated3x3", 0)), (Edge("skip", 1), Edge("conv5x5", 0)))
    genotype = Genotype("three readers", normal=plan, reduce=())
    alone, shared = (micro_search_relus(genotype, 1, 3, shared=shared) for shared in (False, True))
    assert alone - shared == 2 * 32 * 32


def test_the_command_prints_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["micro-relus", "--channels", "1", "--depth", "4"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "darts C=1 D=4: 36608 ReLUs",
        "with ReLUs shared by the convolutions that read a node: 32768",
        "a Sphynx network of these channels and cells: 4096",
    ]
