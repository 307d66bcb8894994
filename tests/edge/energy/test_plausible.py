import math
import re

import pytest

from edge.energy.plausible import FROZEN_SAMPLES, Plausible

PLAUSIBLE = Plausible(100, "swap them")


def noisy(watts, count=100):
    return [watts + 0.001 * (i % 3) for i in range(count)]


def why_not(watts, period=0.1):
    return PLAUSIBLE.why_not([i * period for i in range(len(watts))], watts)


def test_a_boards_power_is_plausible():
    assert why_not(noisy(3.1)) is None
    assert why_not([]) is None
    assert why_not([3.1] * (FROZEN_SAMPLES - 1), 1.0) is None
    assert why_not([3.1] * 100, 0.01) is None  # a meter that has not measured again


@pytest.mark.parametrize(
    ("watts", "message"),
    [
        ([*noisy(3), -0.5, *noisy(3)], "^negative power, down to -0.5 W: the meter's leads are swapped; swap them$"),
        ([*noisy(3), 101], "^impossible power, up to 101 W, where 100 W are the most: of another unit"),
        ([*noisy(3), math.nan, *noisy(3)], "^the meter told what is no number"),
        ([0.0] * 5, "^impossible power, 0 W at the most: the meter is not in the board's feed"),
        ([*noisy(3), *[3.5] * 51], "^frozen at 3.5 W for 51 samples: the meter stands still"),
    ],
)
def test_what_no_board_draws_is_told(watts, message):
    assert re.search(message, why_not(watts))
