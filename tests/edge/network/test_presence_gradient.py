"""The closed form against the gradient that TensorFlow computes, and votes against the library's."""

import numpy as np
import pytest
import tensorflow as tf

from dcn_tf import sequences
from dcn_tf.layers import PRESENCE_POWER, SequenceTop
from dcn_tf.saliency import entropy_saliency
from edge.bundle.tensors import Tensor
from edge.network.presence import PresenceSaliency, SeenCells
from edge.network.votes import log_votes, readings_of, vote


def top_of(weighting, certainty, depth=12, seed=0):
    rng = np.random.default_rng(seed)
    top = SequenceTop(3, 10, weighting, min_length=0)
    top.build((None, None, depth))
    top.dense.kernel.assign(rng.normal(0, certainty / np.sqrt(depth), top.dense.kernel.shape))
    top.dense.bias.assign(rng.normal(0, 0.3, top.dense.bias.shape))
    return top


@pytest.mark.parametrize("certainty", [0.5, 3])
@pytest.mark.parametrize("nothing", [0, 6])
def test_the_form_is_the_gradient(certainty, nothing):
    top = top_of("presence", certainty)
    top.dense.bias.assign(top.dense.bias + nothing * np.eye(1, top.dense.bias.shape[0])[0])
    features = tf.constant(np.random.default_rng(1).normal(0, 1, (1, 300, 12)), tf.float32)
    logits, entropy, expected = (value.numpy()[0] for value in entropy_saliency(top, features))
    raw, heads = top.cell_logits(features).numpy()[0], top.spec.heads
    cells = SeenCells(raw, Tensor("", 0, raw.shape, "float32"), heads, top.spec.saliency_heads, PRESENCE_POWER)
    found = PresenceSaliency(top.dense.kernel.numpy())(cells, 300)
    np.testing.assert_allclose(cells.log_probabilities, logits, atol=1e-4)
    np.testing.assert_allclose(cells.entropy, entropy, atol=1e-4)
    assert np.abs(found - expected).max() < 2e-3 * expected.max()


@pytest.mark.parametrize("seed", range(20))
def test_votes_are_the_librarys(seed):
    rng, top = np.random.default_rng(seed), top_of("votes", 1.0)
    heads, count = top.spec.heads, int(rng.integers(1, 60))
    kinds = rng.normal(0, 2.0, (4, sum(heads)))  # so that readings come more than once
    logits = (kinds[rng.integers(0, 4, count)] + rng.normal(0, 0.4, (count, sum(heads)))).astype(np.float32)
    logits[rng.random(count) > 0.5, 0] += 3
    expected = sequences.votes(tf.constant(logits[None]), heads)[0].numpy()
    np.testing.assert_allclose(log_votes(logits, heads), expected, atol=1e-5)
    readings, log_probabilities = sequences.reading_log_probability(tf.constant(logits), heads)
    np.testing.assert_array_equal(readings_of(logits, heads)[0], readings)
    np.testing.assert_allclose(readings_of(logits, heads)[1], log_probabilities, atol=1e-5)
    np.testing.assert_allclose(vote(logits, heads)[0], top.pool(tf.constant(logits[None]))[0], atol=1e-4)
