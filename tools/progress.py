"""Progress of a long piece of work: one updating line on a terminal, a line every few seconds in a file."""

import sys
import time

EVERY, EVERY_ON_A_TERMINAL = 10, 1  # seconds
CLEAR = "\r\x1b[K"  # back to the start of a terminal's line, and empty it


class Progress:
    """Tells how far a piece of work is."""

    def __init__(self, name: str, total: int, unit: str):
        self.name, self.total, self.unit = name, total, unit
        self.begun = self.told = time.monotonic()
        self.updates = sys.stdout.isatty()

    def tell(self, done: int, detail: str = "") -> None:
        """Prints a line where `done` parts, at least 1, are done, unless the last one is younger than some seconds."""
        now, was_told = time.monotonic(), self.told > self.begun
        is_early = now - self.told < (EVERY_ON_A_TERMINAL if self.updates else EVERY)
        if is_early and not (self.updates and was_told and done == self.total):
            return
        minutes, seconds = divmod(round((now - self.begun) / done * (self.total - done)), 60)
        line = f"{self.name}: {done} of {self.total} {self.unit}, {minutes} min {seconds:02d} s to go{detail}"
        print(CLEAR * self.updates + line, end="" if self.updates and done < self.total else "\n", flush=True)
        self.told = now
