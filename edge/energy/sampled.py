"""A meter that samples power and integrates it."""

from edge.energy.reading import Reading, integrate
from edge.energy.timer import Timer


class SampledMeter:
    """Integrates samples of power that a thread takes.

    Args:
        source: what measures, for reports.
        read_watts: returns the power now; raises OSError or ValueError where there is none, and the sample is ignored.
        period: seconds from one sample to the next.
        longest_gap: seconds; a reading with a longer one between samples is not valid.
        check: called after the last sample; returns why the reading must not be used, or None.
        timer: real time, or a test's.
    """

    def __init__(self, source: str, read_watts, period: float, longest_gap: float, check=None, timer=None):
        self.source = source
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
        seconds = ended - self._begun
        return Reading(joules, seconds, len(self._times), self._ignored, why_not or self._check())

    def _sample(self):
        begun = self._timer.monotonic()
        try:
            watts = self._read_watts()
        except (OSError, ValueError):
            self._ignored += 1
            return
        self._times.append((begun + self._timer.monotonic()) / 2)
        self._watts.append(watts)
