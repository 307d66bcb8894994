from types import SimpleNamespace

import numpy as np
import pytest

from edge import race as race_module
from edge.race import WARM_UPS, Outcome, Times, percentiles, race, ratios


class Ticks:
    """A clock that runs only when it is told to."""

    def __init__(self):
        self.now = 0

    def perf_counter_ns(self):
        return self.now


@pytest.fixture
def ticks(monkeypatch):
    monkeypatch.setattr(race_module, "time", Ticks())
    return race_module.time


def runner(name, ticks, order, costs):
    def run(image):
        order.append((image, name))
        ticks.now += costs[image]
        stages = {"coarse": costs[image] / 1e3} | ({"fine": 1.0} if image == "b" else {})
        return SimpleNamespace(
            prediction=f"{name} {image}", num_patches=len(order), saliency=None, stages_us=stages, log_probabilities=1
        )

    return run


def test_every_variant_reads_every_image_before_the_next_one_comes(ticks):
    order, breaks = [], []
    runs = {name: runner(name, ticks, order, {"a": 1000, "b": 3000}) for name in "xyz"}
    times = race(runs, lambda path: path.lower(), ["A", "B"], 5, between=lambda: breaks.append(len(order)))
    warm_up, timed = order[: 3 * WARM_UPS], order[3 * WARM_UPS :]
    assert warm_up == [("a", name) for name in "xyz"] * WARM_UPS
    assert [image for image, _ in timed] == (["a"] * 3 + ["b"] * 3) * 5
    groups = [tuple(name for _, name in timed[i : i + 3]) for i in range(0, 30, 3)]
    assert all(sorted(group) == list("xyz") for group in groups)
    assert len(set(groups)) > 2
    assert breaks == list(range(9, 39, 3))
    np.testing.assert_array_equal(times["x"].nanoseconds, [[1000, 3000]] * 5)
    assert [outcome.prediction for outcome in times["y"].outcomes] == ["y a", "y b"]
    assert times["z"].outcomes[0].has_saliency is False


def test_the_same_seed_gives_the_same_order(ticks):
    orders = []
    for seed in (1, 1, 2):
        orders.append([])
        race({n: runner(n, ticks, orders[-1], {"a": 1}) for n in "xyz"}, lambda path: "a", ["a"], 9, seed)
    assert orders[0] == orders[1] != orders[2]


def test_percentiles_and_stages():
    nanoseconds = np.arange(1, 101).reshape(50, 2) * 1000
    stages = [{"coarse": 2.0}] * 50 + [{"coarse": 4.0, "fine": 7.0}] * 50
    times = Times(nanoseconds, stages, [Outcome("1", 1, True)] * 2)
    assert times.latency_us() == {"p50": 50.5, "p90": 90.1, "p99": 99.0, "mean": 50.5, "least": 1.5}
    assert times.stage_latency_us() == {
        "coarse": {"p50": 3.0, "p90": 4.0, "p99": 4.0},
        "fine": {"p50": 7.0, "p90": 7.0, "p99": 7.0},
    }
    assert percentiles([5]) == {"p50": 5.0, "p90": 5.0, "p99": 5.0}


def test_ratios_are_paired_image_by_image():
    one = Times(np.array([[2, 30], [2, 15]]), [], [])
    other = Times(np.array([[1, 60], [1, 60]]), [], [])
    assert ratios(one, other) == {
        "median_of_ratios": 1.25,
        "ratio_of_medians": round(8.5 / 30.5, 4),
        "ratio_of_least": 1.125,
    }
