import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.architecture import Architecture, ClassifierTopSpec, Conv, KerasLayer, MaxPool
from dcn_tf.cost import stack_multiplications, stack_weights
from dcn_tf.geometry import stack_geometry
from dcn_tf.layers import CoarseStack
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.stack_lists import stack_from_list, stack_to_list

DILATED = KerasLayer(
    "Conv2D",
    {"filters": 6, "kernel_size": 3, "dilation_rate": 2, "padding": "same", "activation": "relu"},
    kernel=5,
    padding="same",
    filters=6,
    place_multiplications=9 * 4 * 6,
    place_weights=9 * 4 * 6 + 6,
)
STACK = (Conv(4, 3, strides=2), DILATED, KerasLayer("LayerNormalization", place_weights=12), MaxPool(2))


def test_geometry_and_cost_follow_the_declaration():
    assert stack_geometry(STACK).field == (13, 13)
    assert stack_geometry(STACK).offset == (-4, -4)
    assert stack_multiplications(STACK, (21, 21), 1) == 10 * 10 * (9 * 4 + 9 * 4 * 6)
    assert stack_weights(STACK, 1) == (36 + 4) + (216 + 6) + 12


def test_a_stack_with_it_survives_its_description():
    assert stack_from_list(stack_to_list(STACK)) == STACK


def test_the_layers_are_those_of_keras():
    stack = CoarseStack(STACK)
    images = tf.constant(np.random.default_rng(0).random((2, 21, 25, 1)), tf.float32)
    found = stack(images)
    assert found.shape == stack.compute_output_shape(images.shape) == (2, 5, 6, 6)
    values = images
    for block in stack.blocks:
        values = getattr(block, "inner", block)(values)
    np.testing.assert_array_equal(found, values)
    assert type(stack.blocks[1].inner) is keras.layers.Conv2D


def test_a_network_of_it_is_saved_and_trains(tmp_path):
    architecture = Architecture(
        name="own",
        image_size=(28, 28),
        channels=1,
        coarse=(Conv(4, 5, strides=2), DILATED),
        fine=(Conv(6, 3), KerasLayer("DepthwiseConv2D", {"kernel_size": 3}, 3, place_weights=60)),
        top=ClassifierTopSpec(Conv(8, 3), 5),
        patch_size=(12, 12),
        num_patches=3,
    )
    model = DynamicCapacityNetwork(architecture)
    model.build()
    images = np.random.default_rng(0).random((2, 28, 28, 1), np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(images, training=True)["logits"] ** 2)
    gradients = tape.gradient(loss, [*model.coarse.blocks[1].inner.weights, *model.fine.blocks[1].inner.weights])
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
    model.save(tmp_path / "own.keras")
    loaded = keras.saving.load_model(tmp_path / "own.keras")
    assert loaded.architecture == architecture
    np.testing.assert_array_equal(loaded(images)["logits"], model(images)["logits"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernel": 3, "padding": 1}, r"sees \(3, 3\) of the map at a place, and it sees more"),
        ({"padding": 0}, r"gives \(1, 4, 4, 6\) of \(1, 8, 8, 4\), and it gives \(1, 8, 8, 6\)"),
        ({"filters": 5}, r"gives \(1, \d, \d, 5\) of"),
        ({"place_weights": 7}, "has 7 place_weights, and it has 222"),
        ({"layer": "Conv9D"}, "there is no Keras layer 'Conv9D'"),
        ({"layer": "Lambda"}, "there is no Keras layer 'Lambda' that a file may name"),
        ({"config": {"filters": -1}}, "does not take its config"),
    ],
)
def test_what_is_not_as_declared_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        CoarseStack((Conv(4, 3), dataclasses.replace(DILATED, **changes))).build((None, 20, 20, 1))


def test_a_layer_that_looks_at_the_whole_map_is_refused():
    with pytest.raises(ValueError, match="sees more"):
        CoarseStack((Conv(4, 3), KerasLayer("GroupNormalization", {"groups": 2}, place_weights=8))).build(
            (None, 20, 20, 1)
        )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"layer": 3}, "layer must be the name"),
        ({"layer": "Conv2D", "config": [1]}, "config must be an object"),
        ({"layer": "Conv2D", "filters": 0}, "filters must be an integer of at least 1"),
        ({"layer": "Conv2D", "place_weights": -1}, "place_weights must be an integer of at least 0"),
        ({"layer": "Conv2D", "kernel": 0}, "kernel must be"),
    ],
)
def test_a_wrong_description_is_told(fields, message):
    with pytest.raises(ValueError, match=message):
        KerasLayer(**fields)
