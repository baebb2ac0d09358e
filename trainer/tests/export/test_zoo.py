import json
from pathlib import Path

import pytest

from sphynx_trainer.export.zoo import as_table, read_measurements, read_zoo


def write_model(folder: Path, name: str, relus: int) -> None:
    (folder / name).mkdir()
    manifest = {
        "name": name,
        "dataset": {"name": "cifar100"},
        "relus": relus,
        "macs": 140_454_720,
        "accuracy": {"float": 61.234},
        "paper": {"accuracy": 66.13},
    }
    (folder / name / "manifest.json").write_text(json.dumps(manifest))
    (folder / name / "model.onnx").write_bytes(bytes(2_500_000))


def test_models_stand_in_the_order_of_their_relus_with_all_that_is_known(tmp_path: Path) -> None:
    write_model(tmp_path, "a-large", 51_200)
    write_model(tmp_path, "small", 25_600)
    (tmp_path / "small/fixed-point.json").write_text('{"accuracy": {"fixed": 61.25}}')
    bench = tmp_path / "bench.json"
    traffic = {"up": 100_000, "down": 2_400_000}
    bench.write_text(
        json.dumps({"model": "small", "onlineMs": {"median": 71.6}, "onlineBytes": traffic})
    )
    rows = as_table(read_zoo(tmp_path, read_measurements([bench]))).splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    cost = ["cifar100", "25,600", "140 M", "61.23%"]
    assert cells[0] == ["small", *cost, "61.25%", "66.13%", "2.5 MB", "72 ms", "2.5 MB"]
    cost[1] = "51,200"
    assert cells[1] == ["a-large", *cost, "", "66.13%", "2.5 MB", "", ""]


def test_a_manifest_that_lacks_something_is_named(tmp_path: Path) -> None:
    write_model(tmp_path, "broken", 1)
    (tmp_path / "broken/manifest.json").write_text('{"name": "broken"}')
    with pytest.raises(ValueError, match=r"broken/manifest\.json: 'dataset' is missing"):
        read_zoo(tmp_path, {})


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no folder with a manifest\.json"):
        read_zoo(tmp_path, {})


def test_a_file_that_is_no_measurement_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text("[]")
    with pytest.raises(ValueError, match="expected one measurement"):
        read_measurements([tmp_path / "bench.json"])
