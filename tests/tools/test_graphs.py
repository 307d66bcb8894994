import io

import numpy as np
import pytest
import tiny_bundles

from dcn_tf.architecture import Architecture, ClassifierTopSpec, Conv
from dcn_tf.model import DynamicCapacityNetwork
from edge.errors import UserError
from tools.graphs import graphs, saliency_file, saliency_weights


def test_the_classifiers_graphs_are_its_parts(classifier):
    images = tiny_bundles.make_images(classifier.architecture)[:1].astype(np.float32) / 255
    expected = classifier(images)
    parts = graphs(classifier, 3)
    coarse = parts["coarse"].function(images)
    np.testing.assert_allclose(coarse["coarse_features"], expected["coarse_features"], atol=1e-6)
    np.testing.assert_allclose(coarse["logits"], expected["coarse_logits"], atol=1e-5)
    np.testing.assert_allclose(coarse["logits"], classifier.coarse_top.classify(coarse["activation_map"]), atol=1e-5)
    fine = parts["fine"].function(expected["patches"][0])
    np.testing.assert_allclose(fine["fine_features"], expected["fine_features"][0], atol=1e-6)
    top = parts["top"].function(expected["refined"])
    np.testing.assert_allclose(top["logits"], expected["logits"], atol=1e-5)
    whole = parts["whole_fine"].function(images)
    np.testing.assert_allclose(whole["logits"], classifier.whole_model("fine")(images)["logits"], atol=1e-5)


def test_the_sequences_graphs_are_its_parts(sequence):
    images = tiny_bundles.make_images(sequence.architecture)[:1].astype(np.float32) / 255
    expected = sequence(images)
    parts = graphs(sequence, 3)
    cell_logits = parts["coarse"].function(images)["cell_logits"]
    np.testing.assert_allclose(sequence.coarse_top.pool(cell_logits), expected["coarse_logits"], atol=1e-5)
    vectors = parts["fine"].function(expected["patches"][0])["fine_features"]
    answer = parts["top"].function(vectors)["cell_logits"]
    np.testing.assert_allclose(sequence.fine_top.pool(answer[None]), expected["logits"], atol=1e-5)


@pytest.mark.parametrize("statistics", ["shared", "separate"])
def test_the_folded_kernel_is_the_convolution_and_its_normalisation(statistics):
    network = tiny_bundles.make_network(tiny_bundles.classifier_architecture(statistics))
    top, kernel = network.coarse_top, saliency_weights(network)["kernel"]
    vector = np.random.default_rng(0).normal(0, 3, (1, 3, 3, 8)).astype(np.float32)  # one window
    here, there = (top.activation_map(v, coarse_pass=True).numpy().ravel() for v in (vector, vector + 0.01))
    both = (here > 0) & (there > 0)
    assert both.sum() > 3
    step = np.full((3, 3, 8), 0.01, np.float32)
    np.testing.assert_allclose((there - here)[both], np.einsum("hwd,hwdf->f", step, kernel)[both], atol=1e-4)


def test_the_file_is_read_without_pickle(sequence):
    content = saliency_file(sequence)["saliency.npz"]
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["dense"], sequence.coarse_top.dense.kernel)


def test_a_top_without_relu_is_told():
    top = ClassifierTopSpec(Conv(4, 2, activation="tanh"), 3)
    architecture = Architecture("tanh", (12, 12), 1, (Conv(4, 3),), (Conv(4, 3),), top, (3, 3), 1)
    network = DynamicCapacityNetwork(architecture)
    network.build()
    with pytest.raises(UserError, match="needs a top with activation 'relu', received 'tanh'"):
        saliency_weights(network)
