"""Batch normalisation as Keras defines it, in training by few passes over the map."""

import keras
import tensorflow as tf


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

    All arithmetic is float32; the map and its gradient are read and written in bfloat16. Sums over a map are products
    with a row of ones, which matrix kernels do at full speed; what is done to single values is one compiled loop.

    Args:
        inputs: [batch, height, width, channels] bfloat16.
        gamma, beta: [channels] float32, scale and shift.
        epsilon: added to the variance.
        activation: a function of single values.

    Returns:
        outputs [batch, height, width, channels] bfloat16, mean and variance [channels] float32, through which no
        gradient flows.
    """

    @tf.function(jit_compile=True)
    def apply(inputs, mean, scale, beta):
        outputs = activation((tf.cast(inputs, tf.float32) - mean) * scale + beta)
        return tf.cast(outputs, inputs.dtype)

    @tf.function(jit_compile=True)
    def activation_gradient(inputs, upstream, mean, scale, beta):
        normalized = (tf.cast(inputs, tf.float32) - mean) * scale + beta
        with tf.GradientTape() as tape:
            tape.watch(normalized)
            outputs = activation(normalized)
        return tape.gradient(outputs, normalized, tf.cast(upstream, tf.float32))

    @tf.function(jit_compile=True)
    def input_gradient(inputs, upstream, mean, scale, offset, slope):
        return tf.cast(scale * (upstream - offset - (tf.cast(inputs, tf.float32) - mean) * slope), inputs.dtype)

    @tf.custom_gradient
    def normalize(inputs, gamma, beta):
        rows = _rows(inputs)
        count = tf.cast(tf.shape(rows)[0], tf.float32)
        mean = _sum_rows(rows) / count
        variance = tf.maximum(_sum_rows(tf.square(rows)) / count - tf.square(mean), 0.0)
        deviation = tf.sqrt(variance + epsilon)
        scale = gamma / deviation

        def gradient(upstream, *_):
            upstream = activation_gradient(inputs, upstream, mean, scale, beta)
            rows = tf.reshape(upstream, [-1, upstream.shape[-1]])
            beta_gradient = _sum_rows(rows)
            gamma_gradient = (_sum_rows(rows * _rows(inputs)) - mean * beta_gradient) / deviation
            slope = gamma_gradient / (deviation * count)
            back = input_gradient(inputs, upstream, mean, scale, beta_gradient / count, slope)
            return back, gamma_gradient, beta_gradient

        return (apply(inputs, mean, scale, beta), mean, variance), gradient

    return normalize(inputs, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta))


def _rows(maps):
    """Returns the vectors of maps in float32: [..., channels] -> [n, channels]."""
    return tf.cast(tf.reshape(maps, [-1, maps.shape[-1]]), tf.float32)


def _sum_rows(rows):
    """Returns the sum of vectors: [n, channels] -> [channels]."""
    return tf.matmul(tf.ones([1, tf.shape(rows)[0]]), rows)[0]
