"""Batch normalisation as Keras defines it, in training by few passes over the map."""

import math

import keras
import tensorflow as tf

PARTS = 8  # of a map, at most, that are summed side by side
REPEATS = 8  # vectors, at most, that are taken for one row


class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the last axis of maps, with the activation behind it, in few passes.

    Keras computes the batch statistics and the output by an operation for every arithmetic step, each of which reads
    and writes the whole map. Here float32 maps are normalised by TensorFlow's fused kernels in training, and bfloat16
    maps by `normalize_and_activate`. Variables are float32 and the same as Keras', results up to rounding.

    Call arguments:
        inputs: [batch, height, width, channels], float32 or bfloat16.
        training: whether the batch's statistics are used, and followed by the moving ones.
        affine: a built `BatchNormalization` whose scale and shift take the place of the layer's own, which has none.
        activation: a function of single values that is applied to the normalised ones.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def call(self, inputs, training=None, affine=None, activation=None):
        affine = affine or self
        activation = activation or keras.activations.linear
        if training and self.trainable:
            return self._normalize(inputs, affine.gamma, affine.beta, activation)
        outputs = super().call(tf.cast(inputs, tf.float32))
        outputs = activation(outputs if affine is self else outputs * affine.gamma + affine.beta)
        return tf.cast(outputs, inputs.dtype)

    def _normalize(self, inputs, gamma, beta, activation):
        if inputs.dtype == tf.bfloat16:
            outputs, mean, variance = normalize_and_activate(inputs, gamma, beta, self.epsilon, activation)
        else:
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon)
            outputs = activation(outputs)
            count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
            variance *= (count - 1) / count  # the kernel gives that of a sample
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_variance, variance)
        return outputs

    def _follow(self, moving, value):
        moving.assign(moving * self.momentum + value * (1 - self.momentum))


def normalize_and_activate(inputs, gamma, beta, epsilon: float, activation):
    """Returns activation(batch normalisation of a bfloat16 map), and the batch's mean and variance.

    All arithmetic is float32; the map and its gradient are read and written in bfloat16. It takes two compiled loops
    each way: one for the sums over the map, and one for its values. What is needed twice is computed twice, since that
    takes less than a float32 map takes to be written and read.

    Args:
        inputs: [batch, height, width, channels] bfloat16.
        gamma, beta: [channels] float32, scale and shift.
        epsilon: added to the variance.
        activation: a function of single values.

    Returns:
        outputs [batch, height, width, channels] bfloat16, mean and variance [channels] float32, through which no
        gradient flows.
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

    @tf.function(jit_compile=True)
    def sum_squares(rows):
        parts = [tf.cast(part, tf.float32) for part in _parts(rows)]
        return _sum(parts), _sum([tf.square(part) for part in parts])

    @tf.function(jit_compile=True)
    def apply(rows, mean, scale, shift):
        return tf.cast(activation((tf.cast(rows, tf.float32) - mean) * scale + shift), rows.dtype)

    def back(rows, upstream, mean, scale, shift):
        """Returns rows less their mean, and what the activation hands back to the normalised values."""
        centred = tf.cast(rows, tf.float32) - mean
        normalized = centred * scale + shift
        with tf.GradientTape() as tape:
            tape.watch(normalized)
            outputs = activation(normalized)
        return centred, tape.gradient(outputs, normalized, tf.cast(upstream, tf.float32))

    @tf.function(jit_compile=True)
    def sum_back(rows, upstream, mean, scale, shift):
        pairs = [back(*parts, mean, scale, shift) for parts in zip(_parts(rows), _parts(upstream))]
        return _sum([gradient for _, gradient in pairs]), _sum([gradient * centred for centred, gradient in pairs])

    @tf.function(jit_compile=True)
    def apply_back(rows, upstream, mean, scale, shift, offset, slope):
        centred, gradient = back(rows, upstream, mean, scale, shift)
        return tf.cast(scale * (gradient - offset - centred * slope), rows.dtype)

    @tf.custom_gradient
    def normalize(inputs, gamma, beta):
        flat, count = rows(inputs), tf.cast(tf.size(inputs) // channels, tf.float32)
        mean, square = (total(found) / count for found in sum_squares(flat))
        variance = tf.maximum(square - tf.square(mean), 0.0)
        deviation = tf.sqrt(variance + epsilon)
        affine = row(mean), row(gamma / deviation), row(beta)

        def gradient(upstream, *_):
            upstream = rows(upstream)
            beta_gradient, products = map(total, sum_back(flat, upstream, *affine))
            gamma_gradient = products / deviation
            means = row(beta_gradient / count), row(gamma_gradient / (deviation * count))
            back = apply_back(flat, upstream, *affine, *means)
            return tf.reshape(back, tf.shape(inputs)), gamma_gradient, beta_gradient

        return (tf.reshape(apply(flat, *affine), tf.shape(inputs)), mean, variance), gradient

    return normalize(inputs, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta))


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
