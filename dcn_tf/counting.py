"""The symbols of a row told apart by counting: continuous integrate-and-fire (Dong and Xu, 2020)."""

import numpy as np
import tensorflow as tf

from dcn_tf.counted import IntegrateAndFire


def integrate_and_fire(layer: IntegrateAndFire, inputs):
    """Returns what each window of a map shows of each symbol, as its description says.

    Args:
        layer: the description.
        inputs: [batch, h, w, 1 + features].

    Returns:
        [batch, h, w', filters] float32, see `symbols_of`.
    """
    height, width = (known or tf.shape(inputs)[axis] for axis, known in ((1, inputs.shape[1]), (2, inputs.shape[2])))
    count = (width - layer.kernel[1]) // layer.strides[1] + 1
    return tf.reshape(symbols_of(layer, inputs), [-1, height, count, layer.filters])


def symbols_of(layer: IntegrateAndFire, inputs, any_size: bool = False):
    """Returns the same of all windows in one list: [batch, h, w, 1 + features] -> [n, filters] float32.

    For each position the features, the amount and where it lies in the window, from 0 to 1; behind them the greatest
    value of every feature in the window.

    Args:
        any_size: whether the graph must be right for maps of other sizes than the one that it is made with.
    """
    places = layer.kernel[1]
    row = tf.reshape(_windows(layer, inputs, any_size), [-1, places, 1 + layer.features])
    row = tf.cast(row, tf.float32)  # float16 has no room for a sum of small amounts
    seen = tf.nn.relu(row[..., 1:])
    shares = tf.transpose(symbol_shares(tf.sigmoid(row[..., 0]), layer.positions), [0, 2, 1])
    along = tf.constant((np.arange(places) + 0.5) / places, tf.float32)
    sums = [tf.reduce_sum(values, axis=2, keepdims=True) for values in (shares, shares * along)]
    symbols = tf.concat([tf.matmul(shares, seen), *sums], axis=-1)  # [n, positions, features + 2]
    symbols = tf.reshape(symbols, [-1, layer.positions * (layer.features + 2)])
    return tf.concat([symbols, tf.reduce_max(seen, axis=1)], axis=-1)


def _windows(layer: IntegrateAndFire, inputs, any_size: bool):
    """Returns [batch, h, w', places, C], or where each row is one window, [batch, h, places, C]."""
    places, step = layer.kernel[1], layer.strides[1]
    if inputs.shape[2] == places and not any_size:
        return inputs
    behind = [place - places + 1 for place in range(places)]
    return tf.stack([inputs[:, :, place : end or None : step] for place, end in enumerate(behind)], axis=3)


def symbol_shares(amounts, positions: int):
    """Returns how much of each place's amount belongs to each symbol: [n, places] -> [n, places, positions].

    The n-th symbol has what of the running sum lies between n - 1 and n; so it has 1 in all, but for the last, which
    has what is there of it. What is behind the last position belongs to none.
    """
    places = amounts.shape[-1]
    upto = tf.cumsum(amounts, axis=1)
    totals = (tf.reshape(total, [-1, places, 1]) for total in (upto, upto - amounts))
    firsts = tf.range(positions, dtype=tf.float32)
    reached, was = (tf.minimum(tf.nn.relu(total - firsts), 1.0) for total in totals)
    return reached - was
