"""Figures of numbers: how well they are read and found, and whether a network knows when there is none.

For networks that can answer that there is nothing to read (`SequenceTopSpec.min_length` 0).
"""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from dcn_tf.sequences import reading_log_probability
from dcn_tf.thresholds import reading_threshold
from train.data.dataset import Split
from train.evaluation.reader import Reader

OVERLAP = 0.3  # intersection over union from which on a box counts as found
FALSE_READINGS = 0.01  # share of images without a number of which something may be read
BINS = 10  # of equally many images, for the calibration error


class Readings:
    """Yields figures of what is read with a number of patches.

    'readings/empty' is the share of images in which nothing is read, 'readings/error_of_length/3' the error of numbers
    of three digits, 'readings/found' the share of boxes of what was read that overlap the true one by more than
    `OVERLAP`, 'readings/centred' of those whose centre lies in it, all in percent; 'readings/calibration_error' the
    expected difference of the reported probability and the share of right answers.

    With a reading threshold also, in percent: 'threshold/false_readings' is the share of images without a number of
    which something is read with a probability that reaches it, 'threshold/kept' the share of right readings that do,
    and 'threshold/error' the share of numbers that are read wrong, or whose reading does not.

    Args:
        reader: of a network with a sequence top.
        num_patches: of those that the reader answers from.
        threshold: a reading of a lower probability counts as none; None where there is no threshold.
    """

    def __init__(self, reader: Reader, num_patches: int, threshold: float | None = None):
        self.reader = reader
        self.num_patches = num_patches
        self.heads = reader.model.architecture.top.heads
        self.threshold = threshold

    def __call__(self, split: Split) -> Iterator[tuple[str, float]]:
        """Yields (name, value) for a split."""
        readings, probabilities = self._read(split)
        right = (readings == split.labels).all(axis=1)
        something = readings[:, 0] > 0
        yield "readings/empty", percent(~something)
        yield "readings/calibration_error", round(calibration_error(probabilities, right), 4)
        for length in np.unique(split.labels[:, 0]):
            if length > 0:
                yield f"readings/error_of_length/{length}", percent(~right[split.labels[:, 0] == length])
        yield from self._at_threshold(split, right & something, something, probabilities)
        boxes = self.reader(split).get(self._row("box"))
        placed = something & (split.labels[:, 0] > 0)
        if boxes is None or split.boxes is None or not placed.any():
            return
        found, true = boxes[placed], split.boxes[placed]
        yield "readings/found", percent(overlap(found, true) > OVERLAP)
        middle = (found[:, :2] + found[:, 2:]) / 2
        yield "readings/centred", percent(((middle > true[:, :2]) & (middle < true[:, 2:])).all(axis=1))

    def _at_threshold(self, split: Split, right, something, probabilities) -> Iterator[tuple[str, float]]:
        if self.threshold is None:
            return
        numbers, told = split.labels[:, 0] > 0, probabilities >= self.threshold
        if not numbers.all():
            yield "threshold/false_readings", percent((something & told)[~numbers])
        if numbers.any():
            yield "threshold/kept", percent(told[right])
            yield "threshold/error", percent(~(right & told)[numbers])

    def choose(self, numbers: Split, nothing: Split) -> float:
        """Returns the threshold for images with numbers and without, see `dcn_tf.thresholds.reading_threshold`."""
        readings, probabilities = self._read(nothing)
        false = np.where(readings[:, 0] > 0, probabilities, 0.0)
        readings, probabilities = self._read(numbers)
        right = (readings == numbers.labels).all(axis=1)
        return reading_threshold(false, FALSE_READINGS, probabilities[right])

    def _row(self, name: str) -> str:
        return f"{name}/{self.num_patches}"

    def _read(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """Returns the readings as labels [n, heads], and the probability of each [n]."""
        logits = np.log(np.maximum(self.reader(split)[self._row("dcn")], 1e-12))
        readings, log_probability = reading_log_probability(tf.constant(logits), self.heads)
        return readings.numpy(), np.exp(log_probability.numpy())


def percent(which) -> float:
    """Returns the share of true values in percent, 0 of none."""
    return round(100.0 * float(np.mean(which)), 4) if len(which) else 0.0


def overlap(boxes, others) -> np.ndarray:
    """Returns intersection over union of boxes (left, top, right, bottom): [n, 4], [n, 4] -> [n]."""
    sides = np.minimum(boxes[:, 2:], others[:, 2:]) - np.maximum(boxes[:, :2], others[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    areas = [np.prod(np.maximum(some[:, 2:] - some[:, :2], 0), axis=1) for some in (boxes, others)]
    return shared / np.maximum(sum(areas) - shared, 1e-9)


def calibration_error(probabilities, right) -> float:
    """Returns the expected calibration error over `BINS` bins of equally many images (Guo et al., ICML 2017)."""
    order = np.argsort(probabilities)
    bins = np.array_split(order, min(BINS, max(len(order), 1)))
    gaps = [len(part) * abs(probabilities[part].mean() - right[part].mean()) for part in bins if len(part)]
    return float(sum(gaps) / max(len(order), 1))
