"""Progress for people: one moving line on a terminal, a plain line now and then elsewhere."""

import sys
import time
from typing import TextIO

BAR = 24
PLAIN_SECONDS = 30.0
"""Seconds between lines where the output is not a terminal."""


class Progress:
    """Reports how far a run of `total` steps is. `done` counts steps of earlier runs."""

    def __init__(self, total: int, done: int = 0, stream: TextIO = sys.stderr) -> None:
        self.total = total
        self.first = done
        self.stream = stream
        self.started = time.monotonic()
        self.last_line = self.started

    def update(self, done: int, text: str) -> None:
        """Shows the state after `done` steps."""
        now = time.monotonic()
        left = (now - self.started) / max(done - self.first, 1) * (self.total - done)
        share = done / self.total
        if self.stream.isatty():
            bar = ("#" * round(BAR * share)).ljust(BAR, ".")
            self.stream.write(f"\r[{bar}] {share:4.0%}  {text}  {_clock(left)} left \x1b[K")
        elif now - self.last_line >= PLAIN_SECONDS:
            self.last_line = now
            self.stream.write(f"{share:6.1%}  {text}  {_clock(left)} left\n")
        self.stream.flush()

    def line(self, text: str) -> None:
        """Writes a line that stays."""
        clear = "\r\x1b[K" if self.stream.isatty() else ""
        self.stream.write(f"{clear}{text}\n")
        self.stream.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
