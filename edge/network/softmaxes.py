"""Softmaxes side by side ('heads'): one for a classifier, the length and the positions for sequences.

Their probabilities, their entropies, and the means of many cells' predictions.
"""

import itertools
import math
from functools import cached_property, lru_cache

import numpy as np

LEAST = 1e-30  # a probability that small still has all of its digits in float32


@lru_cache(maxsize=32)
def segments(heads: tuple):
    """Returns where each head begins, and to which head each logit belongs."""
    return np.concatenate([[0], np.cumsum(heads)[:-1]]), np.repeat(np.arange(len(heads)), heads)


def log_softmax(logits, heads) -> np.ndarray:
    """Returns the log-probabilities of every head: [..., sum(heads)] -> the same shape."""
    starts, head_of = segments(tuple(heads))
    shifted = logits - np.maximum.reduceat(logits, starts, axis=-1)[..., head_of]
    return shifted - np.log(np.add.reduceat(np.exp(shifted), starts, axis=-1))[..., head_of]


def entropies(log_probabilities, heads) -> np.ndarray:
    """Returns the entropy of every head in nats: [..., sum(heads)] -> [..., len(heads)].

    From log-probabilities, so that a probability that underflows to 0 contributes 0 and no log of 0 is taken.
    """
    return -np.add.reduceat(np.exp(log_probabilities) * log_probabilities, segments(tuple(heads))[0], axis=-1)


def class_log_probabilities(logits) -> np.ndarray:
    """Returns the log-probabilities of one softmax, [classes] float64.

    Number by number, as all that is done with those of a few classes: on a Pi that takes less than NumPy's calls.
    """
    values = logits.tolist()
    highest = max(values)
    log_total = highest + math.log(sum(math.exp(value - highest) for value in values))
    return np.array([value - log_total for value in values])


def class_entropy(log_probabilities) -> float:
    """Returns the entropy of one softmax in nats, from its log-probabilities, [classes]."""
    return -sum(math.exp(value) * value for value in log_probabilities.tolist())


class Predictions:
    """What every cell predicts on its own. Each attribute is computed once, however many ask for it.

    Cells lie side by side in memory: what is done to a head is then done to all cells at once.

    Args:
        logits: [cells, sum(heads)].

    Attributes:
        log_probabilities: [sum(heads), cells].
    """

    def __init__(self, logits, heads):
        self.heads = tuple(heads)
        self.head_of = segments(self.heads)[1]
        logits = np.ascontiguousarray(logits.T)
        shifted = logits - self.of_heads(np.maximum, logits)[self.head_of]
        self._exponentials = np.exp(shifted)
        self._sums = self.of_heads(np.add, self._exponentials)
        self.log_probabilities = shifted - np.log(self._sums)[self.head_of]

    def of_heads(self, operation, values) -> np.ndarray:
        """Returns the sum or maximum over each head's categories: [sum(heads), cells] -> [heads, cells]."""
        parts, start = [], 0
        for size, alike in itertools.groupby(self.heads):
            count = len(list(alike))
            rows = values[start : start + count * size].reshape(count, size, -1)
            parts.append(operation.reduce(rows, axis=1))
            start += count * size
        return np.concatenate(parts)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """[sum(heads), cells]."""
        return self._exponentials / self._sums[self.head_of]

    @cached_property
    def entropies(self) -> np.ndarray:
        """Of every head in nats, [heads, cells]."""
        return -self.of_heads(np.add, self.probabilities * self.log_probabilities)


def pool(cells: Predictions, weighting: str, floor: float) -> np.ndarray:
    """Returns the pooled log-probabilities of several cells, [sum(heads)].

    Args:
        weighting: 'average', or 'inverse_entropy': per head, cells weigh in proportion to 1 / (entropy + floor).
        floor: in nats; keeps the weight of a certain cell finite.
    """
    if weighting == "average":
        return log_means(cells, np.float32(1 / cells.log_probabilities.shape[1]))
    return log_means(cells, shares(cells, np.float32(floor))[cells.head_of])


def log_means(cells: Predictions, weights) -> np.ndarray:
    """Returns the logarithm of the weighted mean of the cells' probabilities, [sum(heads)].

    Args:
        weights: one, one a cell, or one for every probability, [sum(heads), cells]; those of all cells add up to 1.
    """
    log_probabilities = cells.log_probabilities
    means = (cells.probabilities * weights).sum(axis=1)
    if means.min() > LEAST:
        return np.log(means)
    # One underflows. The exponentials of larger numbers, taken again, cost as much as everything above.
    peak = log_probabilities.max(axis=1, keepdims=True)
    return peak[:, 0] + np.log((np.exp(log_probabilities - peak) * weights).sum(axis=1))


def shares(cells: Predictions, floor) -> np.ndarray:
    """Returns the cells' weights by inverse entropy, [heads, cells]; those of a head add up to 1."""
    inverse = 1 / (cells.entropies + floor)
    return inverse / inverse.sum(axis=1, keepdims=True)
