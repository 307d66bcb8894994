import numpy as np
import pytest
import tensorflow as tf

from tools.baselines.draw_model import DrawClassifier, DrawSpec, filter_bank, grid, multiplications

SMALL = DrawSpec(image_size=9, glimpses=3, glimpse_size=4, core=6, classes=5)


@pytest.fixture
def model():
    tf.keras.utils.set_random_seed(0)
    made = DrawClassifier(SMALL)
    made.build()
    return made


def test_filter_banks_by_a_loop(rng):
    centres = rng.uniform(-1, 10, (2, 4)).astype(np.float32)
    variance = np.float32([[0.3], [4.0]])
    expected = np.zeros((2, 4, 9))
    for n, i in np.ndindex(2, 4):
        weights = [np.exp(-((a - centres[n, i]) ** 2) / (2 * variance[n, 0])) for a in range(9)]
        expected[n, i] = np.array(weights) / sum(weights)
    found = filter_bank(centres, variance, 9).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-5)


def test_a_filter_far_beyond_the_image_is_finite():
    far = tf.Variable([[1e3]])
    with tf.GradientTape() as tape:
        bank = filter_bank(far, tf.ones([1, 1]), 9)
    assert not bank.numpy().any()
    assert np.isfinite(tape.gradient(bank, far)).all()


def test_the_filters_places_are_the_papers():
    parameters = np.float32([[0.5, -0.25, np.log(2.0), np.log(0.5), np.log(3.0)]])
    rows, columns, variance, gain = grid(parameters, SMALL)
    spacing = (9 - 1) / (4 - 1) * 0.5
    for found, place in ((rows, 0.5), (columns, -0.25)):
        centre = (9 + 1) / 2 * (place + 1)
        expected = [centre + (i - 4 / 2 - 0.5) * spacing - 1 for i in (1, 2, 3, 4)]  # the paper's pixels begin at 1
        np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    np.testing.assert_allclose((variance[0, 0], gain[0, 0]), (2, 3), rtol=1e-5)


def test_a_glimpse_by_a_loop(model, rng):
    images = rng.random((2, 9, 9)).astype(np.float32)
    parameters = rng.normal(0, 0.4, (2, 5)).astype(np.float32)
    rows, columns, variance, gain = (value.numpy() for value in grid(parameters, SMALL))
    expected = np.zeros((2, 4, 4))
    for n, i, j in np.ndindex(2, 4, 4):
        down, across = (np.exp(-((np.arange(9) - c) ** 2) / (2 * variance[n, 0])) for c in (rows[n, i], columns[n, j]))
        weights = np.outer(down / down.sum(), across / across.sum())
        expected[n, i, j] = gain[n, 0] * (weights * images[n]).sum()
    np.testing.assert_allclose(model.read(images, parameters), expected.reshape(2, 16), rtol=1e-4)


def test_the_gradient_of_a_grid_is_that_of_differences(model, rng):
    image = tf.constant(rng.random((1, 9, 9)).astype(np.float32))
    weights = rng.normal(size=16).astype(np.float32)
    at = rng.normal(0, 0.3, (1, 5)).astype(np.float32)

    def value(parameters):
        return tf.reduce_sum(model.read(image, parameters) * weights)

    parameters = tf.Variable(at)
    with tf.GradientTape() as tape:
        found = value(parameters)
    gradient = tape.gradient(found, parameters).numpy()[0]
    for i in range(5):
        step = np.zeros((1, 5), np.float32)
        step[0, i] = 1e-2
        difference = float(value(at + step) - value(at - step)) / 2e-2
        assert gradient[i] == pytest.approx(difference, rel=0.02, abs=2e-3)
    assert np.abs(gradient).min() > 1e-4  # all five do something


def test_the_first_grid_reaches_from_border_to_border(model):
    outputs = model(np.zeros((2, 9, 9, 1), np.float32))
    rows, columns, variance, gain = grid(outputs["grids"][:, 0], SMALL)
    np.testing.assert_allclose(rows[0], np.linspace(0, 8, 4), atol=1e-5)
    np.testing.assert_allclose(rows, columns)
    np.testing.assert_allclose(np.sqrt(variance), 8 / 3 / 2, rtol=1e-5)
    np.testing.assert_allclose(gain, 1)
    assert outputs["logits"].shape == (2, 3, 5)


def test_multiplications_by_hand():
    step = (16 + 6) * 4 * 6 + 3 * 6  # of the LSTM
    step += 4 * 9 * 9 + 4 * 4 * 9 + 4 * 4  # the image by both banks, and the gain
    step += 2 * 3 * 4 * 9 + 6 * 5 + 2 * 4 + 2  # banks, parameters, places
    assert multiplications(SMALL) == 3 * step + 6 * 5
    assert multiplications(SMALL, 1) == step + 6 * 5
    published = 400 * 1024 + 768 + 12 * 100 * 100 + 144 * 100 + 144 + 6 * 1200 + 1280 + 26
    assert multiplications(DrawSpec()) == 8 * published + 2560


def test_every_weight_is_counted(model):
    kernels = [w for w in model.trainable_variables if len(w.shape) == 2]
    weights = sum(int(np.prod(w.shape)) for w in kernels)
    others = 3 * 6 + 4 * 9 * 9 + 4 * 4 * 9 + 4 * 4 + 2 * 3 * 4 * 9 + 2 * 4 + 2
    assert multiplications(SMALL, 1) == weights + others
