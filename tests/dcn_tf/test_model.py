import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy_reference import entropy, finite_differences, run_classifier_top, run_sequence_top, run_stack, softmax

from dcn_tf.layers import INVERSE_ENTROPY_FLOOR
from dcn_tf.model import DynamicCapacityNetwork

TASKS = ["classifier", "sequence"]


@pytest.fixture
def network(request, randomise):
    """The tiny network of the task that the test is parametrized with; a classifier where it is with none."""
    task = getattr(request, "param", "classifier")
    model = DynamicCapacityNetwork(request.getfixturevalue(f"{task}_architecture"))
    model.build()
    return randomise(model)


@pytest.fixture
def images(network, rng):
    height, width = network.architecture.image_size
    return rng.random((3, height, width, network.architecture.channels), np.float32)


def to_numpy(outputs):
    return {name: np.asarray(value) for name, value in outputs.items()}


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=2e-5)


def check_what_both_tasks_share(network, images, outputs, first_row, first_column):
    """Recomputes features, cells and patches; patches of the tiny networks begin at `first` + 4 * cell."""
    assert_close(outputs["coarse_features"], [run_stack(image, network.coarse) for image in images])
    height, width = network.architecture.patch_size
    for b, image in enumerate(images):
        saliency = outputs["saliency"][b]
        order = np.argsort(-saliency.ravel(), kind="stable")[: outputs["cells"].shape[1]]
        expected = np.stack(np.unravel_index(order, saliency.shape), axis=-1)
        np.testing.assert_array_equal(outputs["cells"][b], expected)
        around = np.pad(image, [(20, 20), (20, 20), (0, 0)])
        for i, (row, column) in enumerate(outputs["cells"][b]):
            top, left = 20 + first_row + 4 * row, 20 + first_column + 4 * column
            patch = around[top : top + height, left : left + width]
            np.testing.assert_array_equal(outputs["patches"][b, i], patch)
            assert_close(outputs["fine_features"][b, i], run_stack(patch, network.fine)[0, 0])


@pytest.mark.parametrize("statistics", ["shared", "separate"])
def test_every_intermediate_of_a_classifier(statistics, classifier_architecture, rng, randomise):
    spec = dataclasses.replace(classifier_architecture.top, statistics=statistics)
    network = DynamicCapacityNetwork(dataclasses.replace(classifier_architecture, top=spec))
    network.build()
    randomise(network)
    images = rng.random((2, 19, 23, 2), np.float32)
    outputs = to_numpy(network(images))
    assert outputs["cells"].shape == (2, 3, 2)
    # field 7 x 7 from pixel 0, patch 10 x 9: three rows more, one before and two behind; one column on either side
    check_what_both_tasks_share(network, images, outputs, first_row=-1, first_column=-1)

    def coarse_entropy(features):
        return entropy(softmax(run_classifier_top(features, network.coarse_top, coarse_pass=True)))

    for b, features in enumerate(outputs["coarse_features"]):
        assert_close(outputs["coarse_logits"][b], run_classifier_top(features, network.coarse_top, coarse_pass=True))
        assert_close(outputs["entropy"][b], entropy(softmax(outputs["coarse_logits"][b].astype(np.float64))))
        gradient = finite_differences(coarse_entropy, features)
        np.testing.assert_allclose(outputs["saliency"][b], np.linalg.norm(gradient, axis=-1), rtol=5e-3, atol=1e-5)
        refined = features.copy()
        for i, (row, column) in enumerate(outputs["cells"][b]):
            refined[row, column] = outputs["fine_features"][b, i]
        np.testing.assert_array_equal(outputs["refined"][b], refined)
        assert_close(outputs["logits"][b], run_classifier_top(refined, network.fine_top))
    assert np.abs(outputs["logits"] - outputs["coarse_logits"]).max() > 1e-2


@pytest.mark.parametrize("coarse_weighting", ["average", "inverse_entropy"])
@pytest.mark.parametrize("weighting", ["average", "inverse_entropy"])
def test_every_intermediate_of_a_sequence(weighting, coarse_weighting, sequence_architecture, rng, randomise):
    spec = dataclasses.replace(
        sequence_architecture.top, coarse_weighting=coarse_weighting, refined_weighting=weighting
    )
    network = DynamicCapacityNetwork(dataclasses.replace(sequence_architecture, top=spec))
    network.build()
    randomise(network)
    images = rng.random((2, 16, 20, 1), np.float32)
    outputs = to_numpy(network(images))
    check_what_both_tasks_share(network, images, outputs, first_row=0, first_column=0)

    floors = {"average": 0.0, "inverse_entropy": INVERSE_ENTROPY_FLOOR}

    def positions_entropy(features):
        probabilities = run_sequence_top(features, network.coarse_top, coarse_weighting, floors[coarse_weighting])
        return sum(entropy(position) for position in np.split(probabilities[3:], 3))

    for b, features in enumerate(outputs["coarse_features"]):
        coarse = run_sequence_top(features, network.coarse_top, coarse_weighting, floors[coarse_weighting])
        assert_close(np.exp(outputs["coarse_logits"][b]), coarse)
        assert_close(outputs["entropy"][b], positions_entropy(features))
        gradient = finite_differences(positions_entropy, features)
        np.testing.assert_allclose(outputs["saliency"][b], np.linalg.norm(gradient, axis=-1), rtol=5e-3, atol=1e-5)
        np.testing.assert_array_equal(outputs["refined"][b], outputs["fine_features"][b])  # the fine cells alone
        fine = run_sequence_top(outputs["fine_features"][b], network.fine_top, weighting, floors[weighting])
        assert_close(np.exp(outputs["logits"][b]), fine)


@pytest.mark.parametrize("network", TASKS, indirect=True)
def test_number_of_patches_can_be_given_per_call(network, images):
    one, five = to_numpy(network(images, num_patches=1)), to_numpy(network(images, num_patches=5))
    assert (one["patches"].shape[1], five["patches"].shape[1]) == (1, 5)
    np.testing.assert_array_equal(five["cells"][:, :1], one["cells"])
    np.testing.assert_array_equal(
        to_numpy(network(images))["cells"], five["cells"][:, : network.architecture.num_patches]
    )


def test_every_cell_refined_leaves_no_coarse_vector(network, images):
    outputs = to_numpy(network(images, num_patches=network.num_cells()))
    for b in range(len(images)):
        rows, columns = outputs["cells"][b].T
        np.testing.assert_array_equal(outputs["refined"][b][rows, columns], outputs["fine_features"][b])
    assert len({tuple(cell) for cell in outputs["cells"][0]}) == 4 * 5 == network.num_cells()


def test_num_cells(network):
    assert network.num_cells() == 4 * 5
    assert network.num_cells((7, 7)) == 1
    assert network.num_cells((11, 30)) == 2 * 6


@pytest.mark.parametrize("network", TASKS, indirect=True)
@pytest.mark.parametrize("num_patches", [0, 100])
def test_a_number_of_patches_that_cannot_be(network, images, num_patches):
    with pytest.raises(ValueError, match=f"num_patches must be between 1 and .* Received: {num_patches}"):
        network(images, num_patches=num_patches)


def test_an_image_smaller_than_one_field(network):
    with pytest.raises(ValueError, match=r"smallest input is \(7, 7\)"):
        network(tf.zeros([1, 6, 20, 2]))


def test_given_cells_replace_the_salient_ones(network, images):
    cells = np.array([[(0, 0), (3, 4)], [(1, 1), (2, 2)], [(3, 0), (0, 4)]])
    outputs = to_numpy(network(images, cells=cells))
    np.testing.assert_array_equal(outputs["cells"], cells)
    np.testing.assert_array_equal(outputs["patches"][0, 0, 1:, 1:], images[0, :9, :8])
    np.testing.assert_array_equal(outputs["refined"][2, 3, 0], outputs["fine_features"][2, 0])


@pytest.mark.parametrize("network", TASKS, indirect=True)
def test_images_of_a_batch_are_independent_at_inference(network, images):
    together = to_numpy(network(images))
    for b in range(len(images)):
        alone = to_numpy(network(images[b : b + 1]))
        np.testing.assert_array_equal(alone["cells"][0], together["cells"][b])
        for name in ("saliency", "coarse_logits", "logits"):
            np.testing.assert_allclose(alone[name][0], together[name][b], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", TASKS, indirect=True)
def test_saved_and_loaded_gives_equal_outputs(network, images, tmp_path):
    network.save(tmp_path / "network.keras")
    restored = keras.saving.load_model(tmp_path / "network.keras")
    assert restored.architecture == network.architecture
    expected, outputs = to_numpy(network(images)), to_numpy(restored(images))
    assert outputs.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(outputs[name], value, err_msg=name)


@pytest.mark.parametrize("network", TASKS, indirect=True)
def test_inside_a_tf_function(network, images):
    """With sizes that are unknown when the function is traced, too."""
    height, width, channels = images.shape[1:]
    for signature in ([None, height, width, channels], [None, None, None, channels]):
        compiled = tf.function(network.call, input_signature=[tf.TensorSpec(signature)])
        outputs, expected = to_numpy(compiled(images)), to_numpy(network(images))
        np.testing.assert_array_equal(outputs["cells"], expected["cells"])
        assert_close(outputs["logits"], expected["logits"])


@pytest.mark.parametrize("network", TASKS, indirect=True)
def test_whole_models_share_the_networks_weights(network, images):
    for name, stack, top in (
        ("coarse", network.coarse, network.coarse_top),
        ("fine", network.fine, network.fine_top),
    ):
        whole = network.whole_model(name)
        before = to_numpy(whole(images))
        assert_close(before["features"][0], run_stack(images[0], stack))
        shared = {id(weight) for weight in network.weights}
        assert len(whole.trainable_weights) == len(stack.trainable_weights) + len(top.trainable_weights)
        assert {id(weight) for weight in whole.weights} <= shared
        stack.trainable_weights[0].assign_add(tf.ones_like(stack.trainable_weights[0]))
        assert np.abs(to_numpy(whole(images))["features"] - before["features"]).max() > 1e-2
        assert_close(whole(images)["features"][0], run_stack(images[0], stack))


@pytest.mark.parametrize("network", TASKS, indirect=True)
def test_whole_coarse_model_gives_the_coarse_output(network, images):
    outputs, whole = to_numpy(network(images)), to_numpy(network.whole_model("coarse")(images))
    np.testing.assert_allclose(whole["features"], outputs["coarse_features"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(whole["logits"], outputs["coarse_logits"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("network", ["sequence"], indirect=True)
def test_whole_sequence_models_pool_as_they_are_asked_to(network, images):
    whole = network.whole_model("fine")
    for weighting, floor in (("average", 0.0), ("inverse_entropy", INVERSE_ENTROPY_FLOOR)):
        features = run_stack(images[0], network.fine)
        expected = run_sequence_top(features, network.fine_top, weighting, floor)
        assert_close(np.exp(whole(images, weighting=weighting)["logits"][0]), expected)
    assert_close(whole(images)["logits"], whole(images, weighting="average")["logits"])


def test_whole_model_of_another_name(network):
    with pytest.raises(ValueError, match="Received: 'top'"):
        network.whole_model("top")


@pytest.mark.parametrize("statistics", ["shared", "separate"])
def test_the_coarse_model_is_the_coarse_output(statistics, classifier_architecture, rng, randomise):
    spec = dataclasses.replace(classifier_architecture.top, statistics=statistics)
    model = DynamicCapacityNetwork(dataclasses.replace(classifier_architecture, top=spec))
    model.build()
    randomise(model)
    images = rng.random((3, *classifier_architecture.image_size, classifier_architecture.channels)).astype(np.float32)
    coarse_logits = model(images)["coarse_logits"]
    whole = model.whole_model("coarse")(images)["logits"]
    np.testing.assert_allclose(whole, coarse_logits, rtol=1e-5, atol=1e-5)
    trained = model.whole_model("coarse")
    normalization = model.coarse_top.coarse_normalization or model.coarse_top.block.normalization
    before = normalization.moving_mean.numpy()
    trained(images, training=True)  # as a baseline it estimates its own statistics
    assert np.abs(normalization.moving_mean.numpy() - before).min() > 0
