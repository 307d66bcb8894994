"""Predictions of several cells, brought together: by a weighted mean, or by a vote of the readings."""

import numpy as np
import tensorflow as tf

from dcn_tf.losses import decode

PRESENCE_POWER = 2.0  # of the odds, by which a cell weighs
VOTERS = 32  # cells that vote at most: those that are surest of a reading
NO_VOTE = -1e9  # the logarithm of a weight that is none


def log_presence(length_logits):
    """Returns the log-probability that there is something to read: [..., 1 + lengths] -> [...].

    The first category is the length 0.
    """
    return tf.reduce_logsumexp(length_logits[..., 1:], axis=-1) - tf.reduce_logsumexp(length_logits, axis=-1)


def log_odds(length_logits):
    """Returns the logarithm of the odds that there is something to read: [..., 1 + lengths] -> [...]."""
    return tf.reduce_logsumexp(length_logits[..., 1:], axis=-1) - length_logits[..., 0]


def weighted_mean(logits, log_weights):
    """Returns log of the weighted mean of softmax(logits): [batch, cells, n], [batch, cells] -> [batch, n]."""
    log_weights = tf.nn.log_softmax(log_weights, axis=1)[..., None]
    return tf.reduce_logsumexp(tf.nn.log_softmax(logits) + log_weights, axis=1)


def with_presence(length_logits, log_weights):
    """Returns the pooled length: nothing, as far as the surest cell sees nothing; else as cells see it that see any.

    [batch, cells, 1 + lengths], and of the cells that see any the log-weights, [batch, cells] -> [batch, 1 + lengths],
    log-probabilities.
    """
    most = tf.reduce_max(log_presence(length_logits), axis=1, keepdims=True)
    present = weighted_mean(length_logits[..., 1:], log_weights) + most
    absent = tf.reduce_min(tf.nn.log_softmax(length_logits)[..., :1], axis=1)
    return tf.concat([absent, present], axis=-1)


def reading_log_probability(logits, heads):
    """Returns the most probable reading of each prediction, as `losses.decode`, and its log-probability.

    Args:
        logits: [..., sum(heads)] of a sequence top whose lengths begin at 0.

    Returns:
        int32 [..., heads], float32 [...]: log p(length n) + log p(symbol) at positions 1..n; 'none' counts for nothing.
    """
    readings = decode(logits, heads)
    chosen = [
        tf.gather(tf.nn.log_softmax(part), readings[..., i], batch_dims=part.shape.rank - 1)
        for i, part in enumerate(tf.split(logits, heads, axis=-1))
    ]
    present = tf.range(len(heads) - 1) < readings[..., :1]
    return readings, chosen[0] + tf.reduce_sum(tf.where(present, tf.stack(chosen[1:], axis=-1), 0.0), axis=-1)


def is_part(readings):
    """Returns which reading is a part of which other, longer one: int32 [batch, k, heads] -> bool [batch, k, k].

    Element (i, j) tells whether the symbols of i stand in j, next to each other. Nothing is a part of nothing.
    """
    length, symbols = readings[..., 0], readings[..., 1:]
    positions = symbols.shape[-1]
    shorter = (length[:, :, None] > 0) & (length[:, :, None] < length[:, None, :])
    shifts = np.arange(positions)
    place = np.minimum(shifts[:, None] + shifts, positions - 1)  # what lies behind the last is none of those that fit
    shifted = tf.gather(symbols, place, axis=-1)  # [batch, k, shifts, positions]
    equal = symbols[:, :, None, None] == shifted[:, None]  # [batch, k, k, shifts, positions]
    beyond = shifts >= length[:, :, None, None, None]
    fits = length[:, :, None, None] + shifts <= length[:, None, :, None]
    return shorter & tf.reduce_any(fits & tf.reduce_all(equal | beyond, axis=-1), axis=-1)


def votes(cell_logits, heads, counted=None):
    """Returns the log-weight of each cell's prediction after a vote: [batch, cells, sum(heads)] -> [batch, cells].

    Each cell votes for its own reading, with the probability that it gives it. A reading also gets the votes of those
    that are a part of it, since a window that cuts a number reads a part of it; but at most as many again as it has of
    its own, so that a few cells that read too much don't win. Nothing to read wins only where no cell reads anything.
    The cells of the winning reading weigh as much as they voted, all others nothing. Ties go to the first cell.

    The `VOTERS` cells that are surest to read something vote. No gradient flows through the choice. Where `counted` is
    given, [batch, cells], the cells of which it is false have neither vote nor weight.
    """
    count = tf.minimum(VOTERS, tf.shape(cell_logits)[1])
    readings, log_probability = reading_log_probability(cell_logits, heads)
    something = readings[..., 0] > 0
    if counted is not None:
        something &= counted
    order = tf.math.top_k(tf.where(something, log_probability, log_probability + NO_VOTE), count).indices
    order = tf.sort(order, axis=1)
    voting = tf.gather(readings, order, batch_dims=1)
    votes_for_one = tf.gather(something, order, batch_dims=1)
    strength = tf.where(votes_for_one, tf.exp(tf.gather(log_probability, order, batch_dims=1)), 0.0)
    same = tf.reduce_all(voting[:, :, None] == voting[:, None], axis=-1)  # [batch, k, k]
    own = tf.reduce_sum(tf.where(same, strength[:, :, None], 0.0), axis=1)
    parts = tf.reduce_sum(tf.where(is_part(voting), strength[:, :, None], 0.0), axis=1)
    best = tf.argmax(own + tf.minimum(own, parts), axis=1, output_type=tf.int32)
    winner = tf.gather(voting, best, batch_dims=1)  # [batch, heads]
    agree = tf.reduce_all(readings == winner[:, None], axis=-1)
    if counted is not None:
        agree &= counted
    return tf.stop_gradient(tf.where(agree, log_probability, NO_VOTE))
