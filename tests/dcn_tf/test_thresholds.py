import pytest

from dcn_tf.thresholds import reading_threshold


@pytest.mark.parametrize(
    ("probabilities", "share", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4], 0.25, 0.3001),
        ([0.1, 0.2, 0.3, 0.4], 0.0, 0.4001),
        ([0.4, 0.1, 0.0, 0.0], 0.5, 0.0),  # nothing is read in two of them
        ([0.12345, 0.1], 0.0, 0.1235),
        ([1.0], 0.0, 1.0),
        ([0.5], 1.0, 0.0),
        ([], 0.01, 0.0),
    ],
)
def test_the_least_that_leaves_few_false_readings(probabilities, share, expected):
    assert reading_threshold(probabilities, share) == pytest.approx(expected, abs=1e-12)
