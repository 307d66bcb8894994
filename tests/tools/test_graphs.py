import io

import numpy as np
import pytest
import tiny_bundles

from dcn_tf.architecture import Architecture, ClassifierTopSpec, Conv
from edge.errors import UserError
from tools.folding import folded_weights
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


def test_the_saliency_takes_the_coarse_tops_folded_weights(classifier, sequence):
    weights = folded_weights(classifier)
    found = saliency_weights(classifier.architecture, weights)
    np.testing.assert_array_equal(found["kernel"], weights["coarse_top/conv"][0])
    np.testing.assert_array_equal(found["dense"], weights["coarse_top/logits"][0])
    assert set(saliency_weights(sequence.architecture, folded_weights(sequence))) == {"dense"}


def test_the_file_is_read_without_pickle(sequence):
    content = saliency_file(sequence.architecture, folded_weights(sequence))["saliency.npz"]
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["dense"], sequence.coarse_top.dense.kernel)


def test_a_top_without_relu_is_told():
    top = ClassifierTopSpec(Conv(4, 2, activation="tanh"), 3)
    architecture = Architecture("tanh", (12, 12), 1, (Conv(4, 3),), (Conv(4, 3),), top, (3, 3), 1)
    weights = {"coarse_top/logits": (np.zeros((4, 3)), np.zeros(3))}
    with pytest.raises(UserError, match="needs a top with activation 'relu', received 'tanh'"):
        saliency_weights(architecture, weights)
