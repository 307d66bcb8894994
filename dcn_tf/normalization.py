"""Batch normalisation as Keras defines it, by TensorFlow's fused kernels in training."""

import keras
import tensorflow as tf


class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the last axis of maps, in training by one kernel each way.

    Keras computes the batch statistics and the output by an operation for every arithmetic step, each of which reads
    and writes the whole map. Variables and results are the same, the results up to rounding.

    Call arguments:
        inputs: [batch, height, width, channels].
        training: whether the batch's statistics are used, and followed by the moving ones.
        affine: a built `BatchNormalization` whose scale and shift take the place of the layer's own, which has none.
    """

    def call(self, inputs, training=None, affine=None):
        affine = affine or self
        if training and self.trainable:
            return self._normalize(inputs, affine.gamma, affine.beta)
        outputs = super().call(inputs)
        return outputs if affine is self else outputs * affine.gamma + affine.beta

    def _normalize(self, inputs, gamma, beta):
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon)
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_variance, variance * (count - 1) / count)  # the kernel gives that of a sample
        return outputs

    def _follow(self, moving, value):
        moving.assign(moving * self.momentum + value * (1 - self.momentum))
