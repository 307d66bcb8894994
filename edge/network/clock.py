"""Splits time into the stages of an image."""

import time


class Clock:
    """Splits the time since it was made into named stages, in microseconds."""

    def __init__(self):
        self.laps = {}
        self._last = time.perf_counter_ns()

    @property
    def total_us(self) -> float:
        """All stages so far."""
        return sum(self.laps.values())

    def lap(self, stage: str) -> None:
        """Ends a stage."""
        now = time.perf_counter_ns()
        self.laps[stage] = (now - self._last) / 1e3
        self._last = now

    def add(self, stage: str) -> None:
        """Ends a part of a stage that has several."""
        now = time.perf_counter_ns()
        self.laps[stage] = self.laps.get(stage, 0.0) + (now - self._last) / 1e3
        self._last = now
