import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.architecture import Conv, IntegrateAndFire, MaxPool
from dcn_tf.cost import stack_multiplications, stack_weights
from dcn_tf.counting import integrate_and_fire, symbol_shares, symbols_of
from dcn_tf.geometry import output_size, smallest_input, stack_geometry
from dcn_tf.layers import FineStack
from dcn_tf.stack_lists import stack_from_list, stack_to_list

LAYER = IntegrateAndFire(positions=3, features=2, kernel=5, strides=2)
STACK = (Conv(4, 3, padding="same"), MaxPool((8, 2)), Conv(3, 1, batch_normalization=False, activation=None), LAYER)


def counted(row):
    """Returns what one window [places, 3] shows, place by place."""
    amounts, features = 1 / (1 + np.exp(-row[:, 0])), np.maximum(row[:, 1:], 0)
    symbols, total = np.zeros((3, 4)), 0.0
    for place, (amount, values) in enumerate(zip(amounts, features)):
        for symbol in range(3):
            share = max(0.0, min(total + amount, symbol + 1) - max(total, symbol))
            symbols[symbol] += share * np.array([*values, 1, (place + 0.5) / len(row)])
        total += amount
    return np.concatenate([symbols.ravel(), features.max(axis=0)])


def test_every_window_of_a_map_is_counted_from_its_left():
    maps = np.random.default_rng(0).normal(size=(2, 3, 12, 3)).astype(np.float32)
    found = integrate_and_fire(LAYER, tf.constant(maps)).numpy()
    assert found.shape == (2, 3, 4, LAYER.filters) == (2, 3, 4, 3 * 4 + 2)
    for image, row, column in np.ndindex(2, 3, 4):
        expected = counted(maps[image, row, 2 * column : 2 * column + 5])
        np.testing.assert_allclose(found[image, row, column], expected, atol=1e-5)
    np.testing.assert_array_equal(symbols_of(LAYER, tf.constant(maps)), found.reshape(-1, LAYER.filters))
    one = integrate_and_fire(LAYER, tf.constant(maps[:, :, 4:9])).numpy()
    np.testing.assert_allclose(one[:, :, 0], found[:, :, 2], atol=1e-6)


def test_amounts_are_shared_out_whole_by_whole():
    amounts = tf.constant([[0.5, 0.25, 0.75, 0.0, 1.0, 1.0]])
    expected = [[0.5, 0, 0], [0.25, 0, 0], [0.25, 0.5, 0], [0, 0, 0], [0, 0.5, 0.5], [0, 0, 0.5]]
    np.testing.assert_allclose(symbol_shares(amounts, 3)[0], expected, atol=1e-6)  # half a symbol is the fourth's


def test_geometry_and_cost_are_those_of_a_window():
    assert stack_geometry(STACK).field == (10, 12)
    assert stack_geometry(STACK).stride == (8, 4)
    assert smallest_input(STACK) == (8, 10)
    assert output_size(STACK, (8, 24)) == (1, 4)
    assert stack_multiplications(STACK, (8, 10), 1) == 8 * 10 * 9 * 4 + 5 * 4 * 3 + 3 * 5 * 2
    assert stack_weights(STACK, 1) == 9 * 4 + 4 + 4 * 3 + 3


def test_a_stack_of_it_is_kept_and_trains():
    assert stack_from_list(stack_to_list(STACK)) == STACK
    stack = FineStack(STACK)
    patches = tf.constant(np.random.default_rng(0).random((2, 3, 8, 10, 1)), tf.float32)
    with tf.GradientTape() as tape:
        vectors = stack(patches, training=True)
        loss = tf.reduce_sum(tf.square(vectors))
    assert vectors.shape == (2, 3, LAYER.filters)
    assert all(np.abs(gradient).max() > 0 for gradient in tape.gradient(loss, stack.trainable_variables))
    image = tf.concat(list(patches[0]), axis=1)[None]
    np.testing.assert_allclose(stack(image)[0, 0, 0], stack(image[:, None, :, :12])[0, 0], atol=0.2)


def test_half_precision_counts_in_float32():
    maps = tf.constant(np.random.default_rng(0).normal(size=(1, 1, 5, 3)), tf.float16)
    np.testing.assert_array_equal(integrate_and_fire(LAYER, maps), integrate_and_fire(LAYER, tf.cast(maps, tf.float32)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"positions": 0}, "positions must be a positive integer. Received: 0"),
        ({"features": True}, "features must be a positive integer. Received: True"),
        ({"kernel": (2, 5)}, r"kernel of a layer along a row must be 1 high. Received: \(2, 5\)"),
        ({"strides": (2, 2)}, r"strides of a layer along a row must be 1 high. Received: \(2, 2\)"),
    ],
)
def test_a_wrong_description_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        IntegrateAndFire(**{"positions": 3, "features": 2, "kernel": 5} | fields)


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match="counts 2 features needs 3 channels. Received: 4"):
        stack_multiplications((Conv(4, 3), LAYER), (3, 10), 1)
