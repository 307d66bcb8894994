"""The probability from which on a reading is told, and below which the answer is that there is nothing to read."""

import math

DECIMALS = 4
KEPT = 0.99  # share of the right readings that the threshold may not go beyond, to spare false ones


def reading_threshold(false, share: float, right) -> float:
    """Returns a reading threshold, of `DECIMALS` decimals.

    It is the least that leaves few enough false readings; or a greater one that spares more of them, all where it can,
    as long as it keeps the share `KEPT` of the right readings. Other images than those that it is chosen on have more
    false readings, so that what costs little is taken.

    Args:
        false: probabilities of what was read on images that hold nothing to read, [n]; 0 where nothing was read.
        share: of these images, on which something may be read at most.
        right: probabilities of readings that are right, [m].
    """
    false, right = (sorted(map(float, values)) for values in (false, right))
    most = math.floor(right[math.floor((1 - KEPT) * len(right) + 1e-9)] * 10**DECIMALS) if right else 0
    fewest = _above(false, math.floor(share * len(false) + 1e-9))
    return max(fewest, min(_above(false, 0), most / 10**DECIMALS))


def _above(false, allowed: int) -> float:
    """Returns the least threshold that all but so many of the sorted probabilities are below."""
    if len(false) <= allowed or false[-1 - allowed] <= 0:
        return 0.0
    return min(1.0, (math.floor(false[-1 - allowed] * 10**DECIMALS) + 1) / 10**DECIMALS)
