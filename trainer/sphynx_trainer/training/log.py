"""What a run leaves behind for people: log.csv, curve.svg and, if it is installed, TensorBoard."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .curve import Point, draw_curve

LOG = "log.csv"
CURVE = "curve.svg"
ACCURACIES = ("train_accuracy", "held_out_accuracy")


@dataclass(frozen=True)
class Row:
    """One epoch. held_out_accuracy: None where it was not measured.

    seconds: by the clock; cpu_seconds: processor time of all processes; teacher_seconds: that part
    of it in which teachers computed logits; images_per_second: by the clock; share_of_peak: of the
    multiplications that one large product of matrices does a second; train_accuracy: of the images
    that were not mixed, None without any.
    """

    epoch: int
    seconds: float
    cpu_seconds: float
    teacher_seconds: float
    images_per_second: float
    share_of_peak: float
    learning_rate: float
    train_loss: float
    train_accuracy: float | None
    held_out_accuracy: float | None

    def cells(self) -> dict[str, str]:
        """The texts of the log, by column."""
        return {
            "epoch": str(self.epoch),
            "seconds": f"{self.seconds:.1f}",
            "cpu_seconds": f"{self.cpu_seconds:.1f}",
            "teacher_seconds": f"{self.teacher_seconds:.1f}",
            "images_per_second": f"{self.images_per_second:.0f}",
            "share_of_peak": f"{self.share_of_peak:.3f}",
            "learning_rate": f"{self.learning_rate:.5f}",
            "train_loss": f"{self.train_loss:.4f}",
            "train_accuracy": _share(self.train_accuracy),
            "held_out_accuracy": _share(self.held_out_accuracy),
        }


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


class Log:
    """Writes the rows of one run into its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.board = _tensorboard(folder)

    def write(self, row: Row) -> None:
        """Adds a row and redraws the curve."""
        path = self.folder / LOG
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Row)])
            if fresh:
                writer.writeheader()
            writer.writerow(row.cells())
        (self.folder / CURVE).write_text(draw_curve(read_points(path)))
        if self.board is not None:
            for name in ("learning_rate", "train_loss", *ACCURACIES):
                value = getattr(row, name)
                if value is not None:
                    self.board.add_scalar(name, value, row.epoch)
            self.board.flush()


def read_points(path: Path) -> list[Point]:
    """The accuracies of every epoch in a log, in percent."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Point(
            int(row["epoch"]),
            *(100 * float(row[name]) if row[name] else None for name in ACCURACIES),
        )
        for row in rows
    ]


def _tensorboard(folder: Path) -> Any | None:
    """A writer of TensorBoard's event files, if that package is installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))
