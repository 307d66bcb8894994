"""The run's own words on the screen, apart from what libraries log."""

import logging
import sys
import time

log = logging.getLogger("train")
SECONDS_BETWEEN = 5.0


def start_logging():
    """Sends `log` to stderr, each line with the time of day."""
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


class Progress:
    """Says every few seconds how far a long piece of work is, how fast it goes and how long it will take.

    Args:
        what: the work, as in "fetching train.tar.gz".
        total: how much of it there is.
        unit: what is counted.
        done: how much was there already.
    """

    def __init__(self, what: str, total: float, unit: str, done: float = 0):
        self.what, self.total, self.unit, self.done = what, total, unit, done
        self.begun = self.told = time.monotonic()
        self.done_before = done

    def advance(self, amount: float):
        """Counts `amount` more."""
        self.done += amount
        now = time.monotonic()
        if now - self.told < SECONDS_BETWEEN:
            return
        self.told = now
        rate = (self.done - self.done_before) / (now - self.begun)
        left = time.strftime("%H:%M:%S", time.gmtime(max(self.total - self.done, 0) / max(rate, 1e-9)))
        log.info(
            "%s: %.0f of %.0f %s, %.1f a second, %s to go", self.what, self.done, self.total, self.unit, rate, left
        )
