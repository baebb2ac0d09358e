"""A model of online latency, fitted to measurements of the protocol.

`npm run bench -- online --model MODEL --json` prints one measurement as a line of JSON.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

KEYS = {"ms_per_thousand_relus": "msPerThousandRelus", "ms_per_gmac": "msPerGmac"}
FEWEST_MEASUREMENTS = 2


@dataclass(frozen=True)
class LatencyModel:
    """Milliseconds of one inference with a prepared bundle."""

    ms_per_thousand_relus: float
    ms_per_gmac: float

    def __call__(self, relus: int, macs: int) -> float:
        """Estimated online milliseconds."""
        return self.ms_per_thousand_relus * relus / 1e3 + self.ms_per_gmac * macs / 1e9

    def save(self, path: Path) -> None:
        """Writes latency.json."""
        content = {KEYS[name]: value for name, value in asdict(self).items()}
        path.write_text(json.dumps(content, indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads latency.json. Raises ValueError, OSError."""
        content = json.loads(path.read_text())
        try:
            values = {name: float(content[key]) for name, key in KEYS.items()}
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{path}: expected the numbers {' and '.join(KEYS.values())}; fit-latency makes "
                "the file of measurements by npm run bench"
            ) from error
        return cls(**values)


def read_measurements(path: Path) -> list[dict[str, Any]]:
    """The measurements in a file, one JSON object a line."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


def fit_latency(measurements: Sequence[Mapping[str, Any]]) -> LatencyModel:
    """Least squares without a constant; neither coefficient is negative.

    Raises ValueError for too few measurements, or such whose ratio of ReLUs to MACs is the same.
    """
    if len(measurements) < FEWEST_MEASUREMENTS:
        raise ValueError("expected measurements of at least two different networks")
    costs = np.array([[m["relus"] / 1e3, m["macs"] / 1e9] for m in measurements])
    online = np.array([m["onlineMs"]["median"] for m in measurements])
    if np.linalg.matrix_rank(costs / costs.max(axis=0), tol=1e-3) < 2:
        raise ValueError("the measured networks have the same ratio of ReLUs to MACs")
    both = np.linalg.lstsq(costs, online, rcond=None)[0]
    if (both >= 0).all():
        return LatencyModel(*map(float, both))
    alone = (costs * online[:, None]).sum(axis=0) / (costs**2).sum(axis=0)
    errors = ((costs * alone - online[:, None]) ** 2).sum(axis=0)
    kept = int(errors.argmin())
    return LatencyModel(*(float(alone[index]) if index == kept else 0.0 for index in range(2)))
