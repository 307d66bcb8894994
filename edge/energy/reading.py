"""A meter's reading of a span of time."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Reading:
    """Energy over a span of time.

    Attributes:
        joules: None where nothing can be said.
        ignored: how many were dropped: not a number, out of order, or incomplete.
        why_not: why it must not be used, in one line; None where it may.
        same: the power of every sample, watts, where all are the same; None where they differ, or it counts energy.
    """

    joules: Any  # float, or None
    seconds: float
    samples: int
    ignored: int = 0
    why_not: str | None = None
    same: float | None = None

    @property
    def valid(self) -> bool:
        """Whether it may be used."""
        return self.why_not is None

    @property
    def watts(self) -> float:
        """Mean power."""
        return self.joules / self.seconds


def same_value(watts) -> float | None:
    """Returns the value of samples that are all the same, or None."""
    return watts[0] if len(watts) and min(watts) == max(watts) else None


def integrate(times, watts, start: float, stop: float, longest_gap: float) -> tuple[float | None, str | None]:
    """Returns the joules of sampled power between two times by trapezoids, or None and why there are none.

    Args:
        times: seconds, ascending.
        watts: power at these times; in between it is taken to change evenly.
        start, stop: the span, on the clock of `times`.
        longest_gap: seconds; where samples lie further apart there are no joules. The first sample may come so late,
            and the last so early: the power is taken as constant up to there.
    """
    times, watts = np.asarray(times, float), np.asarray(watts, float)
    if not len(times) or times[0] >= stop or times[-1] <= start:
        return None, "no sample of power lies in the run"
    first = np.searchsorted(times, start, side="right") - 1  # the last one before the run, if any
    behind = np.searchsorted(times, stop, side="left")
    times, watts = times[max(first, 0) : behind + 1], watts[max(first, 0) : behind + 1]
    late, early = times[0] - start, stop - times[-1]
    gap = max(np.diff(times).max(initial=0), late, early)
    if gap > longest_gap:
        return None, f"no sample of power for {gap:.2f} s, where {longest_gap:g} s are allowed"
    inside = (times > start) & (times < stop)
    times_inside = np.concatenate([[start], times[inside], [stop]])
    values = np.interp(times_inside, times, watts)
    return float((np.diff(times_inside) * (values[1:] + values[:-1]) / 2).sum()), None
