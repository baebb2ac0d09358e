import json
from pathlib import Path

import pytest

from sphynx_trainer.networks.families import count
from sphynx_trainer.networks.sphynx.network import SphynxConfig
from sphynx_trainer.networks.staged.hybrenet import HYBRENETS
from sphynx_trainer.search.budget import SCALINGS, fit_budget, places_for
from sphynx_trainer.search.equalization import equalize, is_equalized, stage_relus
from sphynx_trainer.search.latency import LatencyModel, fit_latency, read_measurements


def measurement(relus: int, macs: int, online: float) -> dict[str, object]:
    return {"model": "m", "relus": relus, "macs": macs, "onlineMs": {"median": online}}


def test_every_choice_of_the_papers_table_9_is_found() -> None:
    choices = fit_budget("sphynx", 51_200, 32, 100, spent=0.95)
    found = {(choice.config.channels, choice.config.depth) for choice in choices}  # type: ignore[union-attr]
    assert {(5, 10), (6, 8), (7, 7), (8, 6), (10, 5)} <= found
    assert all(0.95 * 51_200 <= choice.count.relus <= 51_200 for choice in choices)


@pytest.mark.parametrize("family", SCALINGS)
def test_no_network_within_the_budget_is_missed(family: str) -> None:
    size, budget = (224, 400_000) if family == "sphynx-imagenet" else (32, 100_000)
    choices = fit_budget(family, budget, size, 100, spent=0.0)
    for scaling in SCALINGS[family]:
        kept = [
            choice
            for choice in choices
            if choice.config == scaling.make(choice.config.channels, size, 100)
        ]
        widths = [choice.config.channels for choice in kept]
        assert widths == list(range(scaling.step, widths[-1] + 1, scaling.step))
        wider = count(scaling.make(widths[-1] + scaling.step, size, 100))
        assert max(choice.count.relus for choice in kept) <= budget < wider.relus


def test_reduce_cells_are_where_the_paper_found_them() -> None:
    assert places_for(10) == (0, 5)
    assert places_for(9) == (3, 6)


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown family"):
        fit_budget("vit", 1000, 32, 100)


def test_the_latency_model_is_recovered_from_exact_measurements() -> None:
    truth = LatencyModel(ms_per_thousand_relus=3.0, ms_per_gmac=70.0)
    networks = [(25_600, 140_000_000), (51_200, 226_000_000), (102_400, 905_000_000)]
    model = fit_latency([measurement(*network, truth(*network)) for network in networks])
    assert model.ms_per_thousand_relus == pytest.approx(3)
    assert model.ms_per_gmac == pytest.approx(70)
    (choice,) = [
        choice
        for choice in fit_budget("sphynx", 25_600, 32, 100, latency=model)
        if choice.config == SphynxConfig(5, 5, (0, 1))
    ]
    assert choice.online_ms == pytest.approx(model(25_600, choice.count.macs))


def test_no_coefficient_is_negative() -> None:
    model = fit_latency([measurement(1000, 10**9, 1.0), measurement(2000, 10**9, 5.0)])
    assert model.ms_per_thousand_relus == pytest.approx((1 + 10) / 5)
    assert model.ms_per_gmac == 0


@pytest.mark.parametrize("second", [[], [measurement(2000, 2 * 10**9, 2.0)]])
def test_measurements_that_do_not_determine_the_model_are_refused(
    second: list[dict[str, object]],
) -> None:
    with pytest.raises(ValueError, match="measure"):
        fit_latency([measurement(1000, 10**9, 1.0), *second])


def test_a_latency_file_survives_being_written(tmp_path: Path) -> None:
    model, path = LatencyModel(1.5, 20.0), tmp_path / "latency.json"
    model.save(path)
    assert json.loads(path.read_text()) == {"msPerThousandRelus": 1.5, "msPerGmac": 20.0}
    assert LatencyModel.load(path) == model
    path.write_text('{"msPerGmac": 1}')
    with pytest.raises(ValueError, match="fit-latency"):
        LatencyModel.load(path)


def test_measurements_are_found_between_other_lines(tmp_path: Path) -> None:
    path = tmp_path / "bench.txt"
    path.write_text('> bench\n\n{"model":"a"}\n> bench\n{"model":"b"}\n')
    assert [line["model"] for line in read_measurements(path)] == ["a", "b"]


def test_equalization_yields_exactly_the_published_hybrenets() -> None:
    assert set(equalize()) == set(HYBRENETS.values())


def test_no_multiplier_of_an_equalized_network_can_be_smaller() -> None:
    for multipliers in equalize((3, 4, 6, 3)):
        assert is_equalized((3, 4, 6, 3), multipliers)
        for stage, factor in enumerate(multipliers):
            smaller = (*multipliers[:stage], factor - 1, *multipliers[stage + 1 :])
            assert factor == 2 or not is_equalized((3, 4, 6, 3), smaller)


def test_stages_quarter_their_pixels() -> None:
    assert stage_relus((2, 2, 2, 2), (2, 2, 2)) == [256, 128, 64, 32]


def test_an_order_must_name_all_stages() -> None:
    with pytest.raises(ValueError, match="stages 1 to 3"):
        equalize((5, 5, 5), (3, 2))
