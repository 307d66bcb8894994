"""Readings of a camera that stay: one frame may be blurred, or show a number half."""

from collections import deque


class StableReadings:
    """Tells when a reading is new and stable: of the last 2 n - 1 frames n have it, and it was not told before.

    That there is nothing to read is a reading too, told once a number has gone.
    """

    def __init__(self, count: int):
        self._count = count
        self._last = deque(maxlen=2 * count - 1)
        self._told = ""

    def is_new(self, prediction: str) -> bool:
        """Returns whether the reading of the next frame is to be told."""
        self._last.append(prediction)
        if prediction == self._told or self._last.count(prediction) < self._count:
            return False
        self._told = prediction
        return True
