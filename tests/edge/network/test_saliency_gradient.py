"""The closed form against the gradient that TensorFlow computes."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_bundles

from dcn_tf.layers import INVERSE_ENTROPY_FLOOR
from dcn_tf.saliency import entropy_saliency
from edge.network import compiled, saliency, softmaxes
from edge.network.saliency import SequenceSaliency
from edge.network.softmaxes import Predictions, pool
from tools.export.folding import folded_weights
from tools.export.tops import top_of


def relative_difference(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.fixture(params=["numpy", "compiled"])
def form(request):
    """The class of the closed form."""
    if request.param == "numpy":
        return saliency.ClassifierSaliency
    if not compiled.IS_COMPILED:
        pytest.skip("edge was installed without a C compiler")
    return compiled.ClassifierSaliency


def classifier_saliency(form, network, features):
    """The closed form for one map of vectors, [1, h, w, D]."""
    top, weights = (
        network.coarse_top,
        top_of(network.architecture).saliency_weights(network.architecture, folded_weights(network)),
    )
    closed_form = form(
        weights["kernel"], weights["dense"], top.spec.conv.strides, top.spec.conv.padding, features.shape[1:3]
    )
    activation_map = top.activation_map(features, coarse_pass=True)
    log_probabilities = softmaxes.class_log_probabilities(top.classify(activation_map).numpy()[0])
    activations = activation_map.numpy().reshape(-1, activation_map.shape[-1])
    maxima = activations.max(axis=0)
    entropy = softmaxes.class_entropy(log_probabilities)
    return closed_form(activations, maxima, maxima > 0, log_probabilities, entropy)


@pytest.mark.parametrize("statistics", ["shared", "separate"])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("certainty", "tolerance"), [(0.5, 1e-5), (2, 1e-3)]
)  # float32 has few digits of log p near p = 1
def test_the_classifier_form_is_the_gradient(form, statistics, padding, certainty, tolerance):
    network = tiny_bundles.make_network(tiny_bundles.classifier_architecture(statistics, padding))
    network.coarse_top.dense.kernel.assign(network.coarse_top.dense.kernel * certainty)
    features = tf.constant(np.random.default_rng(0).normal(0, 1, (1, 9, 7, 8)), tf.float32)  # mixed signs
    expected = entropy_saliency(network.coarse_top, features)[2].numpy()[0]
    assert relative_difference(classifier_saliency(form, network, features), expected) < tolerance


def test_a_dead_filter_contributes_nothing(form):
    network = tiny_bundles.make_network(tiny_bundles.classifier_architecture("shared"))
    beta = network.coarse_top.block.normalization.beta
    beta.assign(np.where(np.arange(16) < 10, -1e3, 0.5))  # ten filters never rise above zero
    features = tf.constant(np.random.default_rng(0).normal(0, 1, (1, 9, 9, 8)), tf.float32)
    assert (network.coarse_top.activation_map(features).numpy()[..., :10] == 0).all()
    expected = entropy_saliency(network.coarse_top, features)[2].numpy()[0]
    assert relative_difference(classifier_saliency(form, network, features), expected) < 1e-5
    beta.assign(np.full(16, -1e3))
    assert (classifier_saliency(form, network, features) == 0).all()


def test_windows_that_share_a_maximum_share_its_gradient(form):
    network = tiny_bundles.make_network(tiny_bundles.classifier_architecture("shared"))
    features = tf.constant(np.tile(np.random.default_rng(0).normal(0, 1, 8), (1, 9, 9, 1)), tf.float32)
    activations = network.coarse_top.activation_map(features).numpy()
    assert (activations == activations[:, :1, :1]).all()
    expected = entropy_saliency(network.coarse_top, features)[2].numpy()[0]
    assert relative_difference(classifier_saliency(form, network, features), expected) < 1e-5


@pytest.mark.parametrize("weighting", ["average", "inverse_entropy"])
@pytest.mark.parametrize("scale", [0.3, 5.0])
def test_the_sequence_form_is_the_gradient(scale, weighting):
    architecture = tiny_bundles.sequence_architecture()
    spec = dataclasses.replace(architecture.top, coarse_weighting=weighting)
    network = tiny_bundles.make_network(dataclasses.replace(architecture, top=spec))
    top = network.coarse_top
    features = tf.constant(np.random.default_rng(0).normal(0, scale, (1, 3, 4, 8)), tf.float32)
    cells = Predictions(top.cell_logits(features).numpy().reshape(12, -1), top.spec.heads)
    closed_form = SequenceSaliency(
        top_of(network.architecture).saliency_weights(network.architecture, folded_weights(network))["dense"],
        top.spec.heads,
        top.spec.saliency_heads,
        weighting,
        INVERSE_ENTROPY_FLOOR,
    )
    pooled = pool(cells, weighting, INVERSE_ENTROPY_FLOOR)
    expected = entropy_saliency(top, features)[2].numpy()[0]
    assert relative_difference(closed_form(cells, pooled).reshape(3, 4), expected) < 1e-5


@pytest.mark.parametrize("weighting", ["average", "inverse_entropy"])
@pytest.mark.parametrize("scale", [1.0, 200.0])  # 200: most probabilities underflow
def test_pooling_is_that_of_the_layer(weighting, scale):
    top = tiny_bundles.make_network(tiny_bundles.sequence_architecture()).fine_top
    cell_logits = np.random.default_rng(0).normal(0, scale, (6, sum(top.spec.heads))).astype(np.float32)
    expected = top.pool(cell_logits[None], weighting).numpy()[0]
    found = pool(Predictions(cell_logits, top.spec.heads), weighting, INVERSE_ENTROPY_FLOOR)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
