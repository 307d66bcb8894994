"""A limit on the time of an image whose patches are looked at one by one."""

from collections import deque
from statistics import median

RECENT = 9  # patches that the next one's time is the median of


class StepBudget:
    """Says before each patch whether it is expected to fit into the time that an image may take.

    Args:
        budget_ms: from the pixels to the prediction, as `edge.network.result.Result.milliseconds`.
        step_us: what a patch took, in microseconds; of the first ones, measured before.
    """

    def __init__(self, budget_ms: float, step_us: list[float]):
        self.budget_us = budget_ms * 1e3
        self._recent = deque(step_us, maxlen=RECENT)

    @property
    def recent(self) -> list[float]:
        """What the last patches took, in microseconds."""
        return list(self._recent)

    def fits(self, elapsed_us: float) -> bool:
        """Returns whether one more patch fits, after so much of an image's time."""
        return elapsed_us + median(self._recent) <= self.budget_us

    def note(self, step_us: float) -> None:
        """Follows the device's speed."""
        self._recent.append(step_us)
