"""The probability from which on a reading is told, and below which the answer is that there is nothing to read."""

import math

DECIMALS = 4


def reading_threshold(probabilities, share: float) -> float:
    """Returns the least threshold that turns down enough false readings, rounded up to `DECIMALS` decimals.

    Args:
        probabilities: of what was read on images that hold nothing to read, [n]; 0 where nothing was read.
        share: of these images, on which something may be read at most.
    """
    allowed = math.floor(share * len(probabilities) + 1e-9)
    highest = sorted(map(float, probabilities), reverse=True)[: allowed + 1]
    if len(highest) <= allowed or highest[-1] <= 0:
        return 0.0
    return min(1.0, (math.floor(highest[-1] * 10**DECIMALS) + 1) / 10**DECIMALS)
