"""The loss of a model that answers after each of a few glimpses."""

import tensorflow as tf

from dcn_tf.losses import distillation
from tools.baselines.glimpse_config import GlimpseConfig


def entropies(logits, labels):
    """Returns the cross-entropy of each answer in nats: [n, glimpses, classes], int [n] -> [n, glimpses]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.repeat(labels[:, None], logits.shape[1], axis=1), logits)


def answer_loss(logits, nats, taught, config: GlimpseConfig):
    """Returns the cross-entropy of the answers, averaged, and what a teacher adds to it, in nats: a scalar.

    Answers after fewer glimpses than --answers_from have no part in it.

    Args:
        logits: [n, glimpses, classes].
        nats: [n, glimpses], their cross-entropies.
        taught: [n, classes], a teacher's logits, which are taught after each of these glimpses; None without one.
        config: with --answers_from, --teacher_weight and --temperature.
    """
    logits, nats = (values[:, config.answers_from - 1 :] for values in (logits, nats))
    loss = tf.reduce_mean(nats)
    if taught is None:
        return loss
    glimpses, classes = logits.shape[1:]
    taught = tf.repeat(taught, glimpses, axis=0)
    return loss + config.teacher_weight * distillation(tf.reshape(logits, [-1, classes]), taught, config.temperature)
