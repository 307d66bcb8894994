import keras
import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.normalization import BatchNormalization, normalize_and_activate

SETTINGS = {"momentum": 0.8, "epsilon": 1e-2}


def built(kind, randomise, **settings):
    layer = kind(**SETTINGS, **settings)
    layer.build((None, None, None, 5))
    return randomise(layer)


def run(layer, inputs, upstream, training, **call):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=training, **call)
    sources = [inputs, *(variable.value for variable in layer.trainable_variables)]
    return [outputs, *tape.gradient(outputs, sources, output_gradients=upstream)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(3, 7, 6, 5), (2, 1, 1, 5)])
def test_it_is_keras_batch_normalization(shape, training, rng, randomise):
    inputs, upstream = (tf.constant(rng.normal(2, 3, shape), tf.float32) for _ in range(2))
    ours, theirs = (built(kind, randomise) for kind in (BatchNormalization, keras.layers.BatchNormalization))
    theirs.set_weights(ours.get_weights())
    for _ in range(2):
        for got, expected in zip(run(ours, inputs, upstream, training), run(theirs, inputs, upstream, training)):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    for got, expected in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_another_layer_lends_its_scale_and_shift(training, rng, randomise):
    inputs = tf.constant(rng.normal(2, 3, (3, 7, 6, 5)), tf.float32)
    plain = built(BatchNormalization, randomise, center=False, scale=False)
    lender = built(BatchNormalization, randomise)
    whole = built(keras.layers.BatchNormalization, randomise)
    whole.set_weights([*lender.get_weights()[:2], *plain.get_weights()])
    expected = whole(inputs, training=training)
    np.testing.assert_allclose(plain(inputs, training=training, affine=lender), expected, rtol=1e-4, atol=1e-5)
    for got, value in zip(plain.get_weights(), whole.get_weights()[2:]):
        np.testing.assert_allclose(got, value, rtol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "linear", "tanh"])
@pytest.mark.parametrize("training", [True, False])
def test_in_bfloat16_it_rounds_the_maps_alone(training, activation, rng, randomise):
    """What differs from float32 is one rounding of the output, and one of the gradient of the inputs."""
    function = keras.activations.get(activation)
    inputs, upstream = (tf.cast(rng.normal(2, 3, (3, 7, 6, 5)), tf.bfloat16) for _ in range(2))
    ours, theirs = (built(kind, randomise) for kind in (BatchNormalization, keras.layers.BatchNormalization))
    theirs.set_weights(ours.get_weights())
    got = run(ours, inputs, upstream, training, activation=function)
    with tf.GradientTape() as tape:
        exact = tf.cast(inputs, tf.float32)
        tape.watch(exact)
        outputs = function(theirs(exact, training=training))
    sources = [exact, *(variable.value for variable in theirs.trainable_variables)]
    expected = [outputs, *tape.gradient(outputs, sources, output_gradients=tf.cast(upstream, tf.float32))]
    assert [value.dtype for value in got] == [tf.bfloat16, tf.bfloat16, tf.float32, tf.float32]
    for value, precise in zip(got, expected):
        np.testing.assert_allclose(tf.cast(value, tf.float32), precise, rtol=2**-7, atol=2e-2)
    for value, precise in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(value, precise, rtol=1e-5, atol=1e-6)


def test_a_map_far_from_zero_has_a_variance_that_is_not_negative(randomise):
    layer = built(BatchNormalization, randomise)
    outputs = layer(tf.fill((2, 3, 3, 5), tf.constant(300.0, tf.bfloat16)), training=True)
    assert np.isfinite(tf.cast(outputs, tf.float32)).all()
    np.testing.assert_array_equal(layer.moving_variance >= 0, True)


def test_a_small_variance_far_from_zero_is_exact(rng):
    """The sums of squares of the values themselves would leave a float32 no digit of it."""
    inputs = tf.constant(rng.normal(1000, 0.1, (4, 9, 8, 5)), tf.float32)
    ones, zeros = tf.ones(5), tf.zeros(5)
    outputs, mean, variance = normalize_and_activate(inputs, ones, zeros, 0.0, keras.activations.linear)
    exact = inputs.numpy().astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 1, 2)), rtol=1e-7)
    np.testing.assert_allclose(variance, exact.var(axis=(0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(tf.math.reduce_std(outputs, axis=(0, 1, 2)), ones, rtol=1e-3)
