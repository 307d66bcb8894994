import numpy as np
import pytest

from edge.energy.reading import Reading, integrate


def test_constant_power():
    assert integrate([0, 1, 2, 3, 4], [5] * 5, 0.5, 3.5, 1.0) == (15.0, None)


def test_a_ramp_is_exact_between_samples():
    times = np.arange(0, 11)
    joules, why_not = integrate(times, 2 * times, 0.25, 9.5, 1.0)
    assert joules == pytest.approx(9.5**2 - 0.25**2)
    assert why_not is None


def test_uneven_samples_by_hand():
    joules, _ = integrate([0, 1, 1.5, 3], [4, 6, 2, 2], 0, 3, 2.0)
    assert joules == pytest.approx(5 * 1 + 4 * 0.5 + 2 * 1.5)


def test_power_is_constant_up_to_samples_at_the_ends():
    joules, _ = integrate([1, 2], [3, 5], 0.5, 2.5, 1.0)
    assert joules == pytest.approx(3 * 0.5 + 4 * 1 + 5 * 0.5)


@pytest.mark.parametrize(
    ("times", "gap"),
    [([0, 1, 3.5, 4, 5], "2.50"), ([1.5, 2, 3, 4, 5], "1.50"), ([0, 1, 2, 3, 3.75], "1.25")],
)
def test_nothing_is_integrated_over_a_gap(times, gap):
    joules, why_not = integrate(times, [1] * 5, 0, 5, 1.0)
    assert joules is None
    assert why_not == f"no sample of power for {gap} s, where 1 s are allowed"


def test_a_gap_outside_the_run_does_not_matter():
    assert integrate([0, 50, 50.5, 51, 51.5, 99], [9, 1, 1, 1, 1, 9], 50.25, 51.25, 1.0) == (1.0, None)


@pytest.mark.parametrize("times", [[], [1, 2, 3], [20, 21]])
def test_no_sample_in_the_run(times):
    assert integrate(times, [1] * len(times), 10, 15, 1.0) == (None, "no sample of power lies in the run")


def test_mean_power():
    reading = Reading(12.0, 4.0, 5)
    assert reading.valid
    assert reading.watts == 3.0
    assert not Reading(12.0, 4.0, 5, why_not="it was hot").valid
