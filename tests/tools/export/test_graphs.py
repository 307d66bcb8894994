import dataclasses
import io
import itertools

import numpy as np
import numpy_reference
import pytest
import tiny_bundles

from dcn_tf.architecture import Architecture, ClassifierTopSpec, Conv
from edge.errors import UserError
from edge.network.patches import laid_out_shape
from tools.export.folding import folded_weights
from tools.export.graphs import graphs, layouts, saliency_file
from tools.export.tops import top_of, top_windows


def saliency_weights(architecture, weights):
    return top_of(architecture).saliency_weights(architecture, weights)


def taken(network, name, images):
    return tiny_bundles.as_taken(network.architecture, name, np.asarray(images))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_classifiers_graphs_are_its_parts(padding):
    network = tiny_bundles.make_network(tiny_bundles.classifier_architecture(padding=padding))
    top = network.coarse_top
    images = tiny_bundles.make_images(network.architecture)[:1].astype(np.float32) / 255
    expected = network(images)
    parts = graphs(tiny_bundles.laid_out_clone(network), 3)
    coarse = parts["coarse"].function(taken(network, "coarse", images))
    np.testing.assert_allclose(coarse["coarse_features"], expected["coarse_features"], atol=1e-5)
    seen = top.activation_map(expected["coarse_features"], coarse_pass=True)
    np.testing.assert_allclose(np.maximum(coarse["activation_map"], 0), seen, atol=1e-5)
    assert np.min(coarse["activation_map"]) < 0, "the refined pass may need what the coarse one drops"
    np.testing.assert_allclose(top.classify(seen), expected["coarse_logits"], atol=1e-5)
    fine = parts["fine"].function(taken(network, "fine", expected["patches"][0]))
    np.testing.assert_allclose(fine["fine_features"], expected["fine_features"][0], atol=1e-5)
    whole = parts["whole_fine"].function(taken(network, "whole_fine", images))
    np.testing.assert_allclose(whole["logits"], network.whole_model("fine")(images)["logits"], atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_windows_of_a_refined_map_give_the_answer(padding):
    network = tiny_bundles.make_network(tiny_bundles.classifier_architecture(padding=padding))
    images = tiny_bundles.make_images(network.architecture)[:1].astype(np.float32) / 255
    expected = network(images)
    weights = saliency_weights(network.architecture, folded_weights(network))
    windows = top_windows(network.architecture, expected["refined"].numpy())
    top = graphs(tiny_bundles.laid_out_clone(network), 3)["top"]
    size = top.input_shape[0]
    windows = np.concatenate([windows, windows[:1].repeat(-len(windows) % size, axis=0)])
    batches = windows.reshape(-1, *top.input_shape)
    maxima = np.concatenate([top.function(batch)["activations"] for batch in batches]).max(axis=(0, 1, 2))
    activations = np.maximum(maxima * weights["scale"] + weights["shift"], 0)
    np.testing.assert_allclose(activations @ weights["dense"] + weights["bias"], expected["logits"][0], atol=1e-5)


def test_there_is_room_for_the_windows_that_patches_change():
    architecture = tiny_bundles.classifier_architecture(padding="same")  # 5 x 5 cells, 3 x 3 windows of 3 x 3
    clone = tiny_bundles.laid_out_clone(tiny_bundles.make_network(architecture))
    shapes = {k: graphs(clone, k)["top"].input_shape for k in (1, 2, 9)}
    assert shapes == {1: (4, 3, 3, 8), 2: (8, 3, 3, 8), 9: (9, 3, 3, 8)}


def test_windows_are_those_of_a_loop():
    conv = Conv(4, (3, 2), strides=(2, 1), padding=((1, 2), (0, 1)))
    architecture = dataclasses.replace(tiny_bundles.classifier_architecture(), top=ClassifierTopSpec(conv, 3))
    maps = np.random.default_rng(0).normal(0, 1, (2, 5, 4, 3)).astype(np.float32)
    expected = []
    for values in maps:
        for _, top in numpy_reference.windows(3, 2, (1, 2), 5):
            for _, left in numpy_reference.windows(2, 1, (0, 1), 4):
                window = np.zeros((3, 2, 3), np.float32)
                for row, column in itertools.product(range(3), range(2)):
                    if 0 <= top + row < 5 and 0 <= left + column < 4:
                        window[row, column] = values[top + row, left + column]
                expected.append(window)
    assert len(expected) == 2 * 3 * 4
    np.testing.assert_array_equal(top_windows(architecture, maps), expected)


def test_the_sequences_graphs_are_its_parts(sequence):
    images = tiny_bundles.make_images(sequence.architecture)[:1].astype(np.float32) / 255
    expected = sequence(images)
    parts = graphs(tiny_bundles.laid_out_clone(sequence), 3)
    cell_logits = parts["coarse"].function(taken(sequence, "coarse", images))["cell_logits"]
    np.testing.assert_allclose(sequence.coarse_top.pool(cell_logits), expected["coarse_logits"], atol=1e-5)
    vectors = parts["fine"].function(taken(sequence, "fine", expected["patches"][0]))["fine_features"]
    answer = parts["top"].function(vectors)["cell_logits"]
    np.testing.assert_allclose(sequence.fine_top.pool(answer[None]), expected["logits"], atol=1e-5)
    whole = parts["whole_fine"].function(taken(sequence, "whole_fine", images))["cell_logits"]
    np.testing.assert_allclose(whole, sequence.fine_top.cell_logits(sequence.fine(images)), atol=1e-5)


def test_inputs_have_the_shapes_of_their_layouts(classifier):
    architecture = classifier.architecture
    parts, found = graphs(tiny_bundles.laid_out_clone(classifier), 3), layouts(architecture)
    assert set(found) == {"coarse", "fine", "whole_fine"}
    assert parts["coarse"].input_shape == (1, *laid_out_shape(found["coarse"], (28, 28, 1)))
    assert parts["fine"].input_shape == (3, *laid_out_shape(found["fine"], (10, 10, 1)))
    assert parts["whole_fine"].input_shape == (1, *laid_out_shape(found["whole_fine"], (28, 28, 1)))
    assert found["coarse"] == {"margins": [[0, 0], [0, 0]], "group": [5, 8], "step": [2, 4]}


def test_images_of_many_channels_are_taken_as_they_are():
    architecture = dataclasses.replace(tiny_bundles.classifier_architecture(), channels=5)
    assert layouts(architecture) == dict.fromkeys(("coarse", "fine", "whole_fine"))
    clone = tiny_bundles.laid_out_clone(tiny_bundles.make_network(architecture))
    assert graphs(clone, 3)["fine"].input_shape == (3, 10, 10, 5)


def test_the_saliency_takes_the_tops_folded_weights(classifier, sequence):
    weights = folded_weights(classifier)
    found = saliency_weights(classifier.architecture, weights)
    expected = {"kernel": weights["top/conv"][0]}
    expected |= dict(zip(("scale", "shift"), weights["top/refined"]))
    expected |= dict(zip(("dense", "bias"), weights["top/logits"]))
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_a_sequences_weights_keep_the_length_of_what_they_make_of_a_gradient(sequence):
    dense = np.random.default_rng(0).normal(size=(50, 36)).astype(np.float32)
    found = saliency_weights(sequence.architecture, {"coarse_top/logits": (dense, None)})
    assert {name: values.shape for name, values in found.items()} == {"dense": (36, 36)}
    gradients = np.random.default_rng(1).normal(size=(36, 20))
    expected = np.linalg.norm(dense @ gradients, axis=0)
    np.testing.assert_allclose(np.linalg.norm(found["dense"] @ gradients, axis=0), expected, rtol=1e-5)


def test_the_file_is_read_without_pickle(sequence):
    content = saliency_file(sequence.architecture, folded_weights(sequence))["saliency.npz"]
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        expected = saliency_weights(sequence.architecture, folded_weights(sequence))["dense"]
        np.testing.assert_array_equal(arrays["dense"], expected)


def test_a_top_without_relu_is_told():
    top = ClassifierTopSpec(Conv(4, 2, activation="tanh"), 3)
    architecture = Architecture("tanh", (12, 12), 1, (Conv(4, 3),), (Conv(4, 3),), top, (3, 3), 1)
    with pytest.raises(UserError, match="needs a top with activation 'relu', received 'tanh'"):
        saliency_weights(architecture, {})
