import pytest

from dcn_tf.thresholds import reading_threshold

HUNDRED = [number / 100 for number in range(1, 101)]


@pytest.mark.parametrize(
    ("false", "share", "right", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4], 0.25, [0.1, 0.9], 0.3001),
        ([0.1, 0.2, 0.3, 0.4], 0.0, [], 0.4001),
        ([0.4, 0.1, 0.0, 0.0], 0.5, [], 0.0),  # nothing is read in two of them
        ([0.12345, 0.1], 0.0, [0.01], 0.1235),
        ([1.0], 0.0, [1.0], 1.0),
        ([0.5], 1.0, [], 0.0),
        ([], 0.01, [0.5], 0.0),
        ([0.1, 0.2, 0.3, 0.4], 0.25, [0.9, 0.8], 0.4001),  # which spares the last one and loses none
        ([0.1, 0.2, 0.3, 0.4], 0.25, [0.35678, 0.8], 0.3567),  # no further, for two are too few to lose one
        ([0.9] * 100, 1.0, HUNDRED, 0.02),  # one in a hundred is lost
        ([0.9] * 100, 1.0, HUNDRED[:99], 0.01),
    ],
)
def test_few_false_readings_and_fewer_where_that_costs_little(false, share, right, expected):
    found = reading_threshold(false, share, right)
    assert found == pytest.approx(expected, abs=1e-12)
    assert sum(one >= found and one > 0 for one in false) <= share * len(false) or found == 1
