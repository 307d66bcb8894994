import math

import numpy as np
import pytest

from train.evaluation.significance import bootstrap, interval, intervals, mcnemar, paired


def test_resampled_means_by_a_loop():
    values, sources = np.array([[1.0], [0.0], [1.0], [0.0], [1.0]]), np.array([7, 7, 3, 3, 3])
    found = bootstrap(values, sources, resamples=4, seed=5)
    drawn = np.random.default_rng(5).integers(2, size=(4, 2))
    groups = {0: [1.0, 0.0, 1.0], 1: [1.0, 0.0]}  # sources in order: 3, 7
    expected = [np.mean([value for source in row for value in groups[source]]) for row in drawn.tolist()]
    np.testing.assert_allclose(found[:, 0], expected)
    assert len(bootstrap(values, resamples=150)) == 150


def test_the_interval_of_independent_images_is_the_binomials():
    wrong = np.arange(10_000) < 100
    low, high = intervals({"a": wrong})["a"]
    error = 196 * math.sqrt(0.01 * 0.99 / 10_000)  # 1.96 standard errors, in points
    assert (low, high) == (pytest.approx(1 - error, abs=0.03), pytest.approx(1 + error, abs=0.03))


def test_copies_of_an_image_make_nothing_surer():
    wrong, sources = np.arange(1000) < 30, np.arange(1000)
    once = bootstrap(wrong[:, None], sources)
    five = bootstrap(np.tile(wrong, 5)[:, None], np.tile(sources, 5))
    np.testing.assert_allclose(five, once)
    assert interval(bootstrap(np.tile(wrong, 5)[:, None])[:, 0])[0] > interval(once[:, 0])[0]


@pytest.mark.parametrize(
    ("counts", "p"), [((0, 0), 1.0), ((1, 0), 1.0), ((3, 3), 1.0), ((0, 6), 2 / 64), ((2, 8), 2 * (1 + 10 + 45) / 1024)]
)
def test_mcnemar_by_hand(counts, p):
    assert mcnemar(*counts) == mcnemar(*counts[::-1]) == pytest.approx(p)


def test_a_paired_comparison_by_hand():
    ours = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool)
    theirs = np.array([1, 0, 0, 1, 0, 0, 0, 0], bool)
    found = paired(ours, theirs)
    assert (found["difference"], found["ours_alone"], found["theirs_alone"]) == (12.5, 2, 1)
    assert found["p"] == 1.0
    assert found["interval"][0] < 0 < found["interval"][1]
    assert paired(theirs, theirs)["interval"] == [0.0, 0.0]
