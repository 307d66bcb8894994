import gc
import time
from typing import NamedTuple

import numpy as np
import pytest

from tools.baselines.side_by_side import (
    IN_A_ROW,
    Reader,
    Reading,
    by_length,
    difference,
    error,
    ratio,
    read_in_turn,
    times,
)


def readings(*milliseconds, own=1.0):
    return [Reading("7", value, 2 * value, 2 * value * own) for value in milliseconds]


class Picture(NamedTuple):
    path: int
    size: tuple = (4, 3)


def test_every_reader_reads_every_image_in_order_and_in_turns():
    said, done = [], []

    def reader(name):
        return Reader(load=Picture, read=lambda image: said.append((name, image.path)) or f"{name}{image.path}")

    paths = list(range(IN_A_ROW + 2))
    found = read_in_turn({"a": reader("a"), "b": reader("b")}, paths, between=done.append)
    for name in "ab":
        assert [reading.prediction for reading in found[name]] == [f"{name}{path}" for path in paths]
    assert done == [IN_A_ROW, IN_A_ROW + 2]
    turns = [said[: 2 * (IN_A_ROW + 1)], said[2 * (IN_A_ROW + 1) :]]
    for turn, start in zip(turns, (0, IN_A_ROW)):
        images = paths[start : start + IN_A_ROW]
        first, second = turn[: len(turn) // 2], turn[len(turn) // 2 :]
        assert {first[0][0], second[0][0]} == {"a", "b"}
        assert [image for _, image in first] == [image for _, image in second] == [images[0], *images]  # one untimed
    assert gc.isenabled()


def test_the_first_image_of_each_size_is_read_untimed_too():
    said = []
    reader = Reader(load=lambda path: Picture(path, (path % 3, 1)), read=lambda image: said.append(image.path) or "")
    read_in_turn({"a": reader}, list(range(IN_A_ROW + 1)))
    assert sorted(said[:3]) == [0, 1, 2]
    assert said[3:] == [*range(IN_A_ROW), IN_A_ROW, IN_A_ROW]


def test_time_is_of_reading_alone_and_waiting_is_no_work():
    slow = Reader(load=lambda path: time.sleep(0.05) or Picture(path), read=lambda image: time.sleep(0.002) or "1")
    (reading,) = read_in_turn({"slow": slow}, ["x"])["slow"]
    assert reading.milliseconds >= 2
    assert reading.cpu < reading.milliseconds
    assert reading.own_cpu <= reading.cpu + 1


def test_the_error_has_a_standard_error():
    wrong = [True] * 14 + [False] * 86
    expected = np.std(wrong) / np.sqrt(100)
    assert error(wrong) == {
        "percent": 14.0,
        "standard_error": pytest.approx(100 * expected, abs=0.005),
        "wrong": 14,
        "images": 100,
    }
    assert error([False])["standard_error"] == 0
    assert error([]) is None


def test_the_difference_is_of_pairs():
    assert difference([True, True, False, False], [True, False, False, False]) == {
        "points": 25.0,
        "standard_error": pytest.approx(100 * np.std([0, 1, 0, 0]) / 2, abs=0.005),
    }
    assert difference([True, False], [True, False]) == {"points": 0.0, "standard_error": 0.0}
    assert difference([], []) is None


def test_errors_by_length():
    found = by_length([True, False, True, False], ["7", "12", "34", ""])
    assert {length: (own["wrong"], own["images"]) for length, own in found.items()} == {
        "0": (0, 1),
        "1": (1, 1),
        "2": (1, 2),
    }


def test_times_are_medians_and_tell_of_other_threads():
    assert times(readings(1, 2, 3, 40)) == {
        "milliseconds": {"p50": 2.5, "p90": 40},
        "cpu_milliseconds": {"p50": 5, "p90": 80},
        "elsewhere": 0.0,
    }
    assert times(readings(1, 2, own=0.75))["elsewhere"] == 0.25


def test_the_ratio_is_the_median_of_the_pairs():
    found = ratio(readings(1, 2, 30), readings(10, 40, 100))
    assert found == {"milliseconds": 0.1, "cpu_milliseconds": 0.1}
    assert ratio([Reading("", 1, 0, 0)], [Reading("", 4, 0, 0)]) == {"milliseconds": 0.25, "cpu_milliseconds": None}
