"""Power that no board draws: samples of a meter that is wired wrong, stands still, or counts otherwise."""

import itertools
import math
from dataclasses import dataclass

LEAST_WATTS = 0.01  # of a running board, less than any of those that this is for
# So many and so long the same, to all digits: no live meter's noise is so small.
FROZEN_SAMPLES, FROZEN_SECONDS = 30, 5.0
LEADS = "swap VIN+ and VIN-"


@dataclass(frozen=True)
class Plausible:
    """What a meter's samples can be: at most so many watts, and what to do with the leads where they are negative."""

    most_watts: float
    leads: str = LEADS

    def why_not(self, times, watts) -> str | None:
        """Returns why samples, seconds and watts, cannot be a board's power, and what to do; None where they can."""
        if not len(watts):
            return None
        if not all(map(math.isfinite, watts)):
            return "the meter told what is no number; start it again"
        least, most = min(watts), max(watts)
        if least < 0:
            return f"negative power, down to {least:.3g} W: the meter's leads are swapped; {self.leads}"
        if most > self.most_watts:
            return (
                f"impossible power, up to {most:.4g} W, where {self.most_watts:g} W are the most: of another unit, or "
                "of a meter that is broken; give watts, volts and amperes"
            )
        if most < LEAST_WATTS:
            return (
                f"impossible power, {most:.2g} W at the most: the meter is not in the board's feed; wire it in between"
            )
        for value, run in itertools.groupby(zip(watts, times), key=lambda sample: sample[0]):
            moments = [time for _, time in run]
            if len(moments) >= FROZEN_SAMPLES and moments[-1] - moments[0] >= FROZEN_SECONDS:
                return frozen(value, len(moments))
        return None


def frozen(watts: float, samples: int) -> str:
    """Returns that a meter stands still, and what to do."""
    return (
        f"frozen at {watts:.4g} W for {samples} samples: the meter stands still, or tells too few digits; start it "
        "again, and look whether its value moves"
    )
