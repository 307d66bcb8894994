"""Readings of several cells, brought together by a vote: equal ones vote together, a part votes for the whole."""

import numpy as np

from edge.network.softmaxes import Predictions, log_means, log_softmax

VOTERS = 32  # cells that vote at most: those that are surest of a reading
NO_VOTE = np.float32(-1e9)  # the logarithm of a weight that is none


def readings_of(logits, heads) -> tuple[np.ndarray, np.ndarray]:
    """Returns the most probable reading of each cell, and its log-probability.

    Args:
        logits: [cells, sum(heads)]; the first softmax is of lengths from 0 on.
        heads: number of categories of each softmax.

    Returns:
        int [cells, heads], the length, symbols, and 'none' behind; float32 [cells].
    """
    log_probabilities = log_softmax(logits, heads)
    lengths, none = log_probabilities[:, : heads[0]], heads[1] - 1
    positions = log_probabilities[:, heads[0] :].reshape(len(logits), len(heads) - 1, none + 1)[..., :none]
    length, symbols = lengths.argmax(axis=1), positions.argmax(axis=2)
    present = np.arange(len(heads) - 1) < length[:, None]
    chosen = lengths.max(axis=1) + np.where(present, positions.max(axis=2), 0).sum(axis=1)
    return np.column_stack([length, np.where(present, symbols, none)]), chosen.astype(np.float32)


def log_votes(logits, heads) -> np.ndarray:
    """Returns the log-weight of each cell's prediction after a vote: [cells, sum(heads)] -> [cells].

    Each cell votes for its own reading, with the probability that it gives it. A reading also gets the votes of those
    that are a part of it, but at most as many again as it has of its own. Nothing to read wins only where no cell reads
    anything. The cells of the winning reading weigh as much as they voted, all others nothing. Ties go to the first
    cell. The `VOTERS` cells that are surest to read something vote. (`dcn_tf.sequences.votes`.)
    """
    readings, log_probability = readings_of(logits, heads)
    strengths = _strengths(readings, log_probability)
    winner = max(strengths, key=lambda reading: _with_parts(reading, strengths))
    return np.where((readings == winner).all(axis=1), log_probability, NO_VOTE)


def lead(logits, heads) -> float:
    """Returns by how much the winning reading leads: its votes less those of the strongest that is no part of it.

    0 where nothing is read. [cells, sum(heads)] -> a number from 0 to the number of cells.
    """
    strengths = _strengths(*readings_of(logits, heads))
    votes = {reading: _with_parts(reading, strengths) for reading in strengths}
    winner = max(votes, key=votes.__getitem__)
    others = (own for reading, own in votes.items() if reading != winner and not is_part(reading, winner))
    return votes[winner] - max(others, default=0.0)


def _strengths(readings, log_probability) -> dict:
    """Returns reading -> the sum of its own votes; the first cell's reading is first."""
    surest = np.where(readings[:, 0] > 0, log_probability, log_probability + NO_VOTE)
    order = np.sort((-surest).argsort(kind="stable")[:VOTERS])
    strengths = {}
    for reading, vote in zip(map(tuple, readings[order].tolist()), np.exp(log_probability[order])):
        strengths[reading] = strengths.get(reading, 0.0) + (float(vote) if reading[0] else 0.0)
    return strengths


def _with_parts(reading, strengths) -> float:
    own = strengths[reading]
    return own + min(own, sum(vote for part, vote in strengths.items() if is_part(part, reading)))


def is_part(reading, other) -> bool:
    """Returns whether a reading's symbols stand in another, longer one, next to each other; nothing is no part."""
    length, longer = reading[0], other[0]
    symbols = reading[1 : 1 + length]
    return 0 < length < longer and any(
        other[first : first + length] == symbols for first in range(1, longer - length + 2)
    )


def vote(logits, heads, always_read: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pooled log-probabilities, [sum(heads)], and the weight of each cell, [cells]; they add up to 1.

    Args:
        logits: [cells, sum(heads)]; the first softmax is of lengths from 0 on.
        heads: number of categories of each softmax.
        always_read: where no cell reads anything, they vote again as if a length of 0 were not among the answers.
    """
    if always_read and not readings_of(logits, heads)[0][:, 0].any():
        logits = np.concatenate([np.full_like(logits[:, :1], NO_VOTE), logits[:, 1:]], axis=1)
    log_weights = log_votes(logits, heads)
    agree = (log_weights > NO_VOTE / 2).nonzero()[0]
    weights = np.zeros(len(logits), np.float32)
    shares = np.exp(log_weights[agree] - log_weights[agree].max())
    weights[agree] = shares / shares.sum()
    return log_means(Predictions(logits[agree], heads), weights[agree]), weights
