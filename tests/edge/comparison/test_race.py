import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from edge.comparison import race as race_module
from edge.comparison.race import IN_A_ROW, WARM_UPS, Outcome, Times, percentiles, race, ratios


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


def test_variants_take_turns_of_a_few_images_with_one_untimed_before(ticks):
    order, breaks = [], []
    names = "abcdefghijk"
    costs = {name: 1000 * number for number, name in enumerate(names)}
    runs = {name: runner(name, ticks, order, costs) for name in "xyz"}
    times = race(runs, str.lower, list(names.upper()), 5, between=lambda: breaks.append(len(order)))
    warm_up, timed = order[: 3 * WARM_UPS], order[3 * WARM_UPS :]
    assert warm_up == [("a", name) for name in "xyz"] * WARM_UPS
    parts = [names[:IN_A_ROW], names[IN_A_ROW:]]
    turns = [[parts[0][-1], *parts[0]]] * 3 + [[parts[1][-1], *parts[1]]] * 3
    assert [image for image, _ in timed] == [image for turn in turns for image in turn] * 5
    orders = []
    for begin, part in zip(breaks, parts * 5):
        size = len(part) + 1
        in_turn = [{name for _, name in order[i : i + size]} for i in range(begin, begin + 3 * size, size)]
        assert [len(found) for found in in_turn] == [1, 1, 1]
        orders.append("".join(found.pop() for found in in_turn))
    assert all(sorted(found) == list("xyz") for found in orders)
    assert len(set(orders)) > 2
    np.testing.assert_array_equal(times["x"].nanoseconds, [list(costs.values())] * 5)
    assert [outcome.prediction for outcome in times["y"].outcomes] == [f"y {name}" for name in names]
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


class Looped:
    """A result that refers to itself."""

    prediction, num_patches, saliency, stages_us, log_probabilities = "", 0, None, {}, 1

    def __init__(self):
        self.itself = self


def test_results_that_refer_to_themselves_do_not_pile_up():
    alive, counts = weakref.WeakSet(), []

    def run(image):
        result = Looped()
        alive.add(result)
        return result

    race({"x": run}, str, ["a"] * (20 * IN_A_ROW), 1, between=lambda: counts.append(len(alive)))
    assert len(counts) == 20
    assert max(counts) <= 2
