"""A line every few seconds, with the time to go."""

import time

EVERY = 10  # seconds


class Progress:
    """Tells how far a piece of work is.

    Args:
        name: of the work.
        total: number of its parts.
        unit: what the parts are.
    """

    def __init__(self, name: str, total: int, unit: str):
        self.name, self.total, self.unit = name, total, unit
        self.begun = self.told = time.monotonic()

    def tell(self, done: int, detail: str = "") -> None:
        """Prints a line, unless the last one is younger than `EVERY` seconds.

        Args:
            done: number of parts that are done, at least 1.
            detail: more to say.
        """
        now = time.monotonic()
        if now - self.told < EVERY:
            return
        left = (now - self.begun) / done * (self.total - done)
        print(f"{self.name}: {done} of {self.total} {self.unit}, {left:.0f} s to go{detail}", flush=True)
        self.told = now
