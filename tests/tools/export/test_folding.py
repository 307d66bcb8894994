import dataclasses

import numpy as np
import pytest
import tiny_bundles

from dcn_tf.architecture import ClassifierTopSpec
from tools.export.folding import folded_weights, refined_convolution
from tools.export.tops import top_windows


def make_network(statistics, normalised):
    architecture = tiny_bundles.classifier_architecture(statistics, padding="same")
    conv = dataclasses.replace(architecture.top.conv, batch_normalization=normalised)
    return tiny_bundles.make_network(dataclasses.replace(architecture, top=ClassifierTopSpec(conv, 5, statistics)))


NETWORKS = [(statistics, normalised) for statistics in ("shared", "separate") for normalised in (True, False)]


@pytest.mark.parametrize(("statistics", "normalised"), NETWORKS)
def test_the_passes_of_a_top_are_one_convolution_and_a_rise_and_a_shift(statistics, normalised):
    network = make_network(statistics, normalised)
    weights = folded_weights(network)
    (kernel, bias), (scale, shift) = weights["top/conv"], weights["top/refined"]
    features = np.random.default_rng(0).normal(0, 3, (2, 5, 5, 8)).astype(np.float32)
    windows = top_windows(network.architecture, features)
    sums = np.einsum("nhwd,hwdf->nf", windows, kernel) + bias
    passes = {True: sums, False: scale * sums + shift}
    found = {}
    for coarse_pass, values in passes.items():
        expected = network.coarse_top.activation_map(features, coarse_pass=coarse_pass).numpy()
        found[coarse_pass] = np.maximum(values, 0).reshape(expected.shape)
        np.testing.assert_allclose(found[coarse_pass], expected, atol=1e-4)
        assert (expected > 0).mean() > 0.2
    differ = statistics == "separate" and normalised
    assert (np.abs(found[True] - found[False]).max() > 0.1) == differ
    assert (scale > 0).all(), "maxima stay maxima"
    if not normalised:
        np.testing.assert_array_equal(scale, np.ones(16))
        np.testing.assert_array_equal(shift, np.zeros(16))


@pytest.mark.parametrize(("statistics", "normalised"), NETWORKS)
def test_the_refined_convolution_is_that_of_the_refined_pass(statistics, normalised):
    network = make_network(statistics, normalised)
    kernel, bias = refined_convolution(folded_weights(network))
    features = np.random.default_rng(0).normal(0, 3, (1, 5, 5, 8)).astype(np.float32)
    expected = network.coarse_top.activation_map(features).numpy()
    sums = np.einsum("nhwd,hwdf->nf", top_windows(network.architecture, features), kernel) + bias
    np.testing.assert_allclose(np.maximum(sums, 0).reshape(expected.shape), expected, atol=1e-4)


def test_a_stacks_convolution_has_its_normalisation_in_it(classifier):
    kernel, bias = folded_weights(classifier)["coarse/0"]
    image = np.random.default_rng(0).uniform(0, 1, (1, 5, 5, 1)).astype(np.float32)  # one window
    expected = classifier.coarse.blocks[0](image, training=False).numpy().ravel()
    np.testing.assert_allclose(np.maximum(np.einsum("hwd,hwdf->f", image[0], kernel) + bias, 0), expected, atol=1e-5)
    assert expected.any()


def test_every_layer_has_its_name(classifier, sequence):
    stacks = ["coarse/0", "coarse/1", "fine/0", "fine/2"]
    assert list(folded_weights(classifier)) == [*stacks, "top/conv", "top/refined", "top/logits"]
    found = folded_weights(sequence)
    assert list(found) == [*stacks, "coarse_top/logits", "fine_top/logits"]
    for name in ("coarse_top", "fine_top"):
        dense = getattr(sequence, name).dense
        np.testing.assert_array_equal(found[f"{name}/logits"][0], dense.kernel)
        np.testing.assert_array_equal(found[f"{name}/logits"][1], dense.bias)
