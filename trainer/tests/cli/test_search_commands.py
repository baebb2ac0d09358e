import csv
import json
from pathlib import Path

import pytest

from sphynx_trainer.cli.program import main
from sphynx_trainer.networks.sphynx.genotype import find_genotype

QUICK = ["--dataset", "synthetic", "--device", "cpu", "--batch", "64"]


def test_found_cells_place_themselves_and_train(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    cells, places, run = (str(tmp_path / name) for name in ("cells", "places", "run"))
    shape = ["--channels", "1", "--cells", "3", "--nodes", "5"]
    assert main(["search-cells", cells, *QUICK, *shape, "--epochs", "1"]) == 0
    assert main(["search-cells", cells, *QUICK, *shape, "--epochs", "1"]) == 1
    genotype = f"{cells}/genotype.json"
    assert len(find_genotype(genotype).normal) == 2
    assert {path.suffix for path in (tmp_path / "cells").iterdir()} == {
        ".csv",
        ".json",
        ".png",
        ".pt",
        ".svg",
    }

    shape = ["--channels", "1", "--depth", "2", "--reduce-cells", "1", "--genotype", genotype]
    command = ["search-locations", places, *QUICK, *shape, "--epochs", "1", "--grid", "1"]
    assert main(command) == 0
    result = json.loads((tmp_path / "places" / "locations.json").read_text())
    assert [row["reduce"] for row in result["placements"]] == [[0], [1]]
    assert sum(row["probability"] for row in result["placements"]) == pytest.approx(1)
    assert all(0 <= row["accuracy"] <= 100 for row in result["placements"])
    with (tmp_path / "places" / "beta.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert list(row) == ["epoch", "temperature", "validation_loss", "0", "1"]
    assert main([*command, "--resume"]) == 0

    reduce = [str(cell) for cell in result["reduce"]]
    shape = ["--channels", "1", "--depth", "2", "--reduce", *reduce, "--genotype", genotype]
    command = ["train", run, *QUICK, *shape, "--epochs", "1"]
    assert main(command) == 0
    model = str(tmp_path / "model")
    assert main(["export", run, model, "--dataset", "synthetic", "--hardware", "a trial"]) == 0
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert manifest["relus"] == 32 * 32 * 2


def test_a_budget_is_listed_with_latency(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench, latency = tmp_path / "bench.jsonl", tmp_path / "latency.json"
    measured = ((25_600, 242_000_000, 90.0), (51_200, 380_000_000, 170.0))
    bench.write_text(
        "\n".join(
            json.dumps({"model": "m", "relus": r, "macs": m, "onlineMs": {"median": ms}})
            for r, m, ms in measured
        )
    )
    assert main(["fit-latency", str(bench), str(latency)]) == 0
    assert "m: 170.0 ms, model 170.0" in capsys.readouterr().out
    assert main(["fit-budget", "52000", "--latency", str(latency)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["C=5", "D=10", "reduce=0,5", "51200", "380.2", "5143940", "170"]
    assert main(["fit-budget", "500"]) == 1
    assert "--spent" in capsys.readouterr().err


def test_equalization_prints_the_published_networks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["equalize-relus", "--channels", "16"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "HRN-5x5x3x",
        "HRN-5x7x2x",
        "HRN-6x6x2x",
        "HRN-7x5x2x",
    ]
    assert "343040 ReLUs (S1=65536 S2=81920 S3=102400 S4=76800)" in lines[0]
