"""A meter that samples power and integrates it."""

import math

from edge.energy.plausible import Plausible
from edge.energy.reading import Reading, integrate, same_value
from edge.energy.timer import Timer


class SampledMeter:
    """Integrates samples of power that a thread takes.

    Args:
        read_watts: returns the power now; raises OSError or ValueError where there is none, and the sample is ignored.
        period: seconds from one sample to the next.
        longest_gap: seconds; a reading with a longer one between samples is not valid.
        plausible: what the samples can be; a reading with others is not valid.
        check: called after the last sample; returns why the reading must not be used, or None.
    """

    def __init__(
        self, source: str, read_watts, period: float, longest_gap: float, plausible: Plausible, check=None, timer=None
    ):
        self.source, self._plausible = source, plausible
        self._read_watts, self._period, self._longest_gap = read_watts, period, longest_gap
        self._check = check or (lambda: None)
        self._timer = timer or Timer()

    def start(self) -> None:
        """Begins a reading."""
        self._times, self._watts, self._ignored = [], [], 0
        self._begun = self._timer.monotonic()
        self._stop = self._timer.every(self._period, self._sample)

    def stop(self) -> Reading:
        """Ends the reading."""
        ended = self._timer.monotonic()
        self._stop()
        joules, why_not = integrate(self._times, self._watts, self._begun, ended, self._longest_gap)
        why_not = why_not or self._check() or self._plausible.why_not(self._times, self._watts)
        same = same_value(self._watts)
        return Reading(joules, ended - self._begun, len(self._times), self._ignored, why_not, same)

    def _sample(self):
        begun = self._timer.monotonic()
        try:
            watts = self._read_watts()
            if not math.isfinite(watts):
                raise ValueError(f"{watts} W")
        except (OSError, ValueError):
            self._ignored += 1
            return
        self._times.append((begun + self._timer.monotonic()) / 2)
        self._watts.append(watts)
