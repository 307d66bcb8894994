import numpy as np
import pytest

from dcn_tf.architecture import SequenceTopSpec
from dcn_tf.labels import sequence_labels
from train.data.dataset import Split
from train.evaluation.readings import Readings, calibration_error, overlap, percent

TOP = SequenceTopSpec(2, 3, "presence", "votes", min_length=0, box=True)


class StandIn:
    """Has the answers of a reader, in place of reading."""

    def __init__(self, rows):
        self.rows = rows
        self.model = type("Model", (), {"architecture": type("Architecture", (), {"top": TOP})})

    def __call__(self, split):
        return {name: row[: len(split)] for name, row in self.rows.items()}


def certain(sequences, sure):
    """Returns probabilities [n, sum(heads)]: each head gives its label the probability `sure`."""
    labels = np.array(sequence_labels(sequences, TOP.max_length, TOP.symbols, 0))
    parts = []
    for column, size in enumerate(TOP.heads):
        part = np.full((len(labels), size), (1 - sure) / (size - 1))
        part[np.arange(len(labels)), labels[:, column]] = sure
        parts.append(part)
    return np.concatenate(parts, axis=1).astype(np.float32)


def split_of(sequences, boxes=None):
    labels = np.array(sequence_labels(sequences, TOP.max_length, TOP.symbols, 0), np.int32)
    boxes = None if boxes is None else np.array(boxes, np.float32)
    return Split(np.zeros((len(labels), 4, 4, 1), np.uint8), labels, boxes)


def test_readings_by_hand():
    read = [[1], [1, 2], [], [0, 1]]
    true = [[1], [1, 1], [2], [0, 1]]
    found = [[0, 0, 4, 4], [0, 0, 4, 4], [9, 9, 9, 9], [3, 0, 7, 4]]
    boxes = [[0, 0, 4, 4], [2, 0, 6, 4], [0, 0, 4, 4], [0, 0, 4, 4]]
    reader = StandIn({"dcn/4": certain(read, 0.9), "dcn/1": certain(true, 0.9), "box/4": np.array(found, np.float32)})
    figures = dict(Readings(reader, 4)(split_of(true, boxes)))
    assert figures["readings/empty"] == 25.0
    assert figures["readings/error_of_length/1"] == 50.0
    assert figures["readings/error_of_length/2"] == 50.0
    assert figures["readings/found"] == pytest.approx(100 * 2 / 3, abs=1e-3)  # overlaps of 1, 8 / 24 and 4 / 28
    assert figures["readings/centred"] == pytest.approx(100 / 3, abs=1e-3)  # the second lies on the border
    probabilities = np.array([0.9**2, 0.9**3, 0.9, 0.9**3])
    right = np.array([1, 0, 0, 1])
    assert figures["readings/calibration_error"] == pytest.approx(np.abs(probabilities - right).mean(), abs=1e-3)


def test_the_threshold_allows_one_false_reading_in_a_hundred():
    sure = np.concatenate([certain([[1]], value) for value in np.linspace(0.5, 0.9, 200)])
    readings, nothing = Readings(StandIn({"dcn/4": sure}), 4), split_of([[]] * 200)
    readings.threshold = readings.choose(split_of([[2]] * 200), nothing)
    probabilities = np.linspace(0.5, 0.9, 200) ** 2
    assert 0 < readings.threshold - np.sort(probabilities)[-3] <= 1.001e-4
    assert dict(readings(nothing))["threshold/false_readings"] == 1.0
    figures = dict(readings(split_of([[1]] * 100 + [[2]] * 100)))  # the two that reach it are wrong
    assert (figures["threshold/kept"], figures["threshold/error"]) == (0, 100)
    figures = dict(readings(split_of([[1]] * 200)))
    assert (figures["threshold/kept"], figures["threshold/error"]) == (1, 99)


def test_the_threshold_where_nothing_is_read():
    readings, nothing = Readings(StandIn({"dcn/4": np.concatenate([certain([[]], 0.9)] * 5)}), 4), split_of([[]] * 5)
    readings.threshold = readings.choose(split_of([[]] * 5), nothing)
    assert readings.threshold == 0.0
    figures = dict(readings(nothing))
    assert figures["threshold/false_readings"] == 0.0
    assert "threshold/error" not in figures


def test_without_a_threshold_nothing_is_told_of_it():
    reader = StandIn({"dcn/4": certain([[1]], 0.9)})
    assert not [name for name in dict(Readings(reader, 4)(split_of([[1]]))) if name.startswith("threshold")]


def test_overlap():
    boxes = np.array([[0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 1, 1]], float)
    others = np.array([[1, 1, 3, 3], [5, 5, 6, 6], [0, 0, 2, 2]], float)
    np.testing.assert_allclose(overlap(boxes, others), [1 / 7, 0, 1 / 4])


def test_calibration_error():
    assert calibration_error(np.full(10, 0.7), np.arange(10) < 7) == pytest.approx(0.3 * 0.7 + 0.7 * 0.3)
    assert calibration_error(np.full(100, 0.7), np.arange(100) % 10 < 7) == pytest.approx(0.0)
    assert percent(np.array([])) == 0.0
