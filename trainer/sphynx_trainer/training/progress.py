"""Progress for people: one moving line on a terminal, a plain line now and then elsewhere."""

import sys
import time
from typing import TextIO

BAR = 24
PLAIN_SECONDS = 30.0
"""Seconds between lines where the output is not a terminal."""


class Progress:
    """Reports how far a run of `total` steps is. `done` counts steps of earlier runs.

    open_ended: it may end long before, so what is left cannot be told.
    """

    def __init__(
        self,
        total: int,
        done: int = 0,
        stream: TextIO = sys.stderr,
        *,
        open_ended: bool = False,
    ) -> None:
        self.total = total
        self.first = done
        self.stream = stream
        self.open_ended = open_ended
        self.started = time.monotonic()
        self.last_line = self.started

    def update(self, done: int, text: str) -> None:
        """Shows the state after `done` steps."""
        now = time.monotonic()
        passed = now - self.started
        left = passed / max(done - self.first, 1) * (self.total - done)
        clock = f"{_clock(passed)} so far" if self.open_ended else f"{_clock(left)} left"
        share = done / self.total
        if self.stream.isatty():
            bar = ("#" * round(BAR * share)).ljust(BAR, ".")
            self.stream.write(f"\r[{bar}] {share:4.0%}  {text}  {clock} \x1b[K")
        elif now - self.last_line >= PLAIN_SECONDS:
            self.last_line = now
            began = "" if self.open_ended else f"{share:6.1%}  "
            self.stream.write(f"{began}{text}  {clock}\n")
        self.stream.flush()

    def line(self, text: str) -> None:
        """Writes a line that stays."""
        clear = "\r\x1b[K" if self.stream.isatty() else ""
        self.stream.write(f"{clear}{text}\n")
        self.stream.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
