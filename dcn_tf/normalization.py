"""Batch normalisation as Keras defines it, in training by few passes over the map."""

import math

import keras
import tensorflow as tf

PARTS = 8  # of a map, at most, that are summed side by side
REPEATS = 8  # vectors, at most, that are taken for one row


class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the last axis of maps, with the activation behind it, in few passes.

    Keras computes the batch statistics and the output by an operation for every arithmetic step, each of which reads
    and writes the whole map; here `normalize_and_activate` does, in training. Variables are float32 and the same as
    Keras', results up to rounding.

    Call arguments:
        inputs: [batch, height, width, channels], float32 or bfloat16.
        training: whether the batch's statistics are used, and followed by the moving ones.
        affine: a built `BatchNormalization` whose scale and shift take the place of the layer's own, which has none.
        activation: a function of single values that is applied to the normalised ones.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **(kwargs | {"dtype": "float32"}))

    def call(self, inputs, training=None, affine=None, activation=None):
        affine = affine or self
        activation = activation or keras.activations.linear
        if training and self.trainable:
            outputs, mean, variance = normalize_and_activate(
                inputs, affine.gamma, affine.beta, self.epsilon, activation
            )
            self._follow(self.moving_mean, mean)
            self._follow(self.moving_variance, variance)
            return outputs
        outputs = super().call(tf.cast(inputs, tf.float32))
        outputs = activation(outputs if affine is self else outputs * affine.gamma + affine.beta)
        return tf.cast(outputs, inputs.dtype)

    def _follow(self, moving, value):
        moving.assign(moving * self.momentum + value * (1 - self.momentum))


def normalize_and_activate(inputs, gamma, beta, epsilon: float, activation):
    """Returns activation(batch normalisation of a map), and the batch's mean and variance.

    All arithmetic is float32; the map and its gradient keep their own type. There are two compiled loops each way: one
    for the sums over the map, and one for its values. The second computes again what the first had computed: that costs
    less than to write a map and read it.

    Args:
        inputs: [batch, height, width, channels], float32 or bfloat16.
        gamma, beta: [channels] float32, scale and shift.
        epsilon: added to the variance.
        activation: a function of single values.

    Returns:
        outputs [batch, height, width, channels] like the inputs, mean and variance [channels] float32, through which
        no gradient flows.
    """
    channels, repeats = inputs.shape[-1], _divisor(inputs.shape, REPEATS)

    def rows(maps):
        """Returns a map in rows of several vectors, which are as long as a loop needs to be to be fast."""
        return tf.reshape(maps, [-1, repeats * channels])

    def row(vector):
        """Returns what is applied to every vector, for all vectors of a row."""
        return tf.tile(vector, [repeats])

    def total(of_rows):
        """Returns the sum of the vectors of a row."""
        return tf.reduce_sum(tf.reshape(of_rows, [repeats, channels]), axis=0)

    @tf.custom_gradient
    def normalize(inputs, gamma, beta):
        flat, count = rows(inputs), tf.cast(tf.size(inputs) // channels, tf.float32)
        origin = tf.cast(flat[0, :channels], tf.float32)  # one of the vectors, so that sums of squares stay small
        offset, square = (total(found) / count for found in _sum_squares(flat, row(origin)))
        mean, variance = origin + offset, tf.maximum(square - tf.square(offset), 0.0)
        deviation = tf.sqrt(variance + epsilon)
        affine = row(mean), row(gamma / deviation), row(beta)

        def gradient(upstream, *_):
            upstream = rows(upstream)
            beta_gradient, products = map(total, _sum_back(flat, upstream, *affine, activation))
            gamma_gradient = products / deviation
            means = row(beta_gradient / count), row(gamma_gradient / (deviation * count))
            back = _apply_back(flat, upstream, *affine, *means, activation)
            return tf.reshape(back, tf.shape(inputs)), gamma_gradient, beta_gradient

        return (tf.reshape(_apply(flat, *affine, activation), tf.shape(inputs)), mean, variance), gradient

    return normalize(inputs, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta))


# The loops over rows, [n, .]. What is applied to each of them is given as one row, float32.


@tf.function(jit_compile=True)
def _sum_squares(rows, origin):
    """Returns the sums of the rows less an origin, and of their squares."""
    parts = [tf.cast(part, tf.float32) - origin for part in _parts(rows)]
    return _sum(parts), _sum([tf.square(part) for part in parts])


@tf.function(jit_compile=True)
def _apply(rows, mean, scale, shift, activation):
    """Returns the rows, normalised and activated."""
    return tf.cast(activation((tf.cast(rows, tf.float32) - mean) * scale + shift), rows.dtype)


@tf.function(jit_compile=True)
def _sum_back(rows, upstream, mean, scale, shift, activation):
    """Returns the sums of what the activation hands back, and of its products with the rows less their mean."""
    pairs = [_back(*parts, mean, scale, shift, activation) for parts in zip(_parts(rows), _parts(upstream))]
    return _sum([gradient for _, gradient in pairs]), _sum([gradient * centred for centred, gradient in pairs])


@tf.function(jit_compile=True)
def _apply_back(rows, upstream, mean, scale, shift, offset, slope, activation):
    """Returns the gradient of the rows, `offset` and `slope` being the parts of it that the statistics pass on."""
    centred, gradient = _back(rows, upstream, mean, scale, shift, activation)
    return tf.cast(scale * (gradient - offset - centred * slope), rows.dtype)


def _back(rows, upstream, mean, scale, shift, activation):
    """Returns rows less their mean, and what the activation hands back to the normalised values."""
    centred = tf.cast(rows, tf.float32) - mean
    normalized = centred * scale + shift
    with tf.GradientTape() as tape:
        tape.watch(normalized)
        outputs = activation(normalized)
    return centred, tape.gradient(outputs, normalized, tf.cast(upstream, tf.float32))


def _divisor(shape, most: int) -> int:
    """Returns a number of equal parts for the vectors of a map, at most so many; 1 where their number is not known."""
    return math.gcd(shape.num_elements() // shape[-1], most) if shape.is_fully_defined() else 1


def _parts(rows):
    """Returns rows in equal parts, [n, ...] each: the sum of parts is a loop that a compiler unrolls."""
    count = _divisor(rows.shape, PARTS)
    return tf.unstack(tf.reshape(rows, [count, -1, rows.shape[-1]]), count)


def _sum(parts):
    """Returns the sum of the rows of all parts, as one row."""
    return tf.reduce_sum(tf.add_n(parts), axis=0)
