import numpy as np
import pytest
import tensorflow as tf

from tools.baselines.draw_config import DrawConfig
from tools.baselines.glimpse_loss import answer_loss, entropies

PROBABILITIES = np.float32([[[0.5, 0.5], [0.75, 0.25]], [[0.5, 0.5], [0.9, 0.1]]])
LABELS = tf.constant([0, 1])


def config(**values):
    return DrawConfig(workdir="run", **values)


def test_the_cross_entropy_of_each_answer():
    found = entropies(tf.math.log(PROBABILITIES), LABELS)
    np.testing.assert_allclose(found, -np.log([[0.5, 0.75], [0.5, 0.1]]), rtol=1e-5)


def test_without_a_teacher_the_loss_is_the_mean_cross_entropy():
    found = answer_loss(tf.math.log(PROBABILITIES), tf.constant([[0.5, 1.5], [0.0, 1.0]]), None, config())
    assert float(found) == pytest.approx(0.75)


def test_early_answers_may_be_left_out():
    nats = tf.constant([[0.5, 1.5], [0.0, 1.0]])
    assert float(answer_loss(tf.math.log(PROBABILITIES), nats, None, config(answers_from=2))) == pytest.approx(1.25)


def test_a_teacher_is_heard_after_each_glimpse():
    """At temperature 1 the divergence from an answer p to one q is sum p log(p / q), by hand."""
    taught = np.float32([[0.8, 0.2], [0.3, 0.7]])
    logits = tf.math.log(PROBABILITIES)
    ratios = taught[:, None] * np.log(taught[:, None] / PROBABILITIES)
    found = answer_loss(logits, tf.fill([2, 2], 0.75), tf.math.log(taught), config(temperature=1.0, teacher_weight=0.5))
    assert float(found) == pytest.approx(0.75 + 0.5 * ratios.sum(axis=-1).mean(), rel=1e-5)
