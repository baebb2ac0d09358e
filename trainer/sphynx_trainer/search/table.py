"""The log of a search: a CSV file that gets a row after every epoch."""

import csv
from collections.abc import Mapping
from pathlib import Path


def append_row(path: Path, row: Mapping[str, object]) -> None:
    """Adds a row; a new file gets the keys as its header. Numbers are written to six digits."""
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row.keys())
        if fresh:
            writer.writeheader()
        writer.writerow(
            {
                key: f"{value:.6g}" if isinstance(value, float) else value
                for key, value in row.items()
            }
        )
