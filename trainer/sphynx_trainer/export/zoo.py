"""The models of a folder as a table: what each costs and how well it does."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A model. Accuracies in percent; bytes: of model.onnx; online_ms: a benchmark's median."""

    name: str
    dataset: str
    relus: int
    macs: int
    accuracy: float
    fixed_point: float | None
    published: float | None
    bytes: int
    online_ms: float | None
    online_bytes: int | None


def read_zoo(folder: Path, measurements: Mapping[str, Mapping[str, Any]]) -> list[Entry]:
    """Every model below the folder, by data set and ReLUs. measurements: as read_measurements.

    Raises ValueError without models, or for a manifest that lacks something.
    """
    entries = [
        _entry(manifest, measurements) for manifest in sorted(folder.glob("*/manifest.json"))
    ]
    if not entries:
        raise ValueError(f"{folder} has no folder with a manifest.json")
    return sorted(entries, key=lambda entry: (entry.dataset, entry.relus))


def read_measurements(files: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """What `npm run bench -- online --json` printed, one model per file, by the model's name."""
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        measurement = json.loads(file.read_text())
        if not isinstance(measurement, dict) or "model" not in measurement:
            raise ValueError(f"{file}: expected one measurement, as the bench prints with --json")
        found[Path(measurement["model"]).name] = measurement
    return found


def _entry(path: Path, measurements: Mapping[str, Mapping[str, Any]]) -> Entry:
    manifest = json.loads(path.read_text())
    plan = path.with_name("fixed-point.json")
    fixed = json.loads(plan.read_text()).get("accuracy", {}) if plan.exists() else {}
    try:
        name = manifest["name"]
        measured = measurements.get(name)
        moved = measured["onlineBytes"] if measured else None
        return Entry(
            name=name,
            dataset=manifest["dataset"]["name"],
            relus=manifest["relus"],
            macs=manifest["macs"],
            accuracy=manifest["accuracy"]["float"],
            fixed_point=fixed.get("fixed"),
            published=manifest.get("paper", {}).get("accuracy"),
            bytes=path.with_name("model.onnx").stat().st_size,
            online_ms=measured["onlineMs"]["median"] if measured else None,
            online_bytes=moved["up"] + moved["down"] if moved else None,
        )
    except KeyError as error:
        raise ValueError(f"{path}: {error} is missing") from error


def as_table(entries: Iterable[Entry]) -> str:
    """A Markdown table."""
    head = [
        *("model", "data", "ReLUs", "MACs", "accuracy", "fixed point", "paper", "file"),
        *("online", "online traffic"),
    ]
    rows = [head, ["---"] * 2 + ["---:"] * (len(head) - 2)]
    rows += [
        [
            entry.name,
            entry.dataset,
            f"{entry.relus:,}",
            f"{entry.macs / 1e6:,.0f} M",
            f"{entry.accuracy:.2f}%",
            _optional(entry.fixed_point, "{:.2f}%"),
            _optional(entry.published, "{:.2f}%"),
            f"{entry.bytes / 1e6:.1f} MB",
            _optional(entry.online_ms, "{:,.0f} ms"),
            _optional(entry.online_bytes and entry.online_bytes / 1e6, "{:.1f} MB"),
        ]
        for entry in entries
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _optional(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
