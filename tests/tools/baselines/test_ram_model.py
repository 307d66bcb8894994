import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tools.baselines.ram_model import RamSpec, RecurrentAttentionModel, glimpses_at, multiplications, pyramid

SMALL = RamSpec(image_size=16, glimpses=3, glimpse_size=4, scales=3, what=6, where=5, glimpse_units=7, core=8)


def windows(image, location, spec):
    """Returns the sensor's windows of one image [side, side], by slices: [scales, size, size]."""
    found, beyond = [], -spec.image_size % 2 ** (spec.scales - 1)
    image = np.pad(image, (0, beyond))
    for scale in range(spec.scales):
        factor = 2**scale
        side = len(image) // factor
        smaller = image.reshape(side, factor, side, factor).mean(axis=(1, 3))
        padded = np.pad(smaller, spec.glimpse_size)
        row, column = (int(np.rint((x + 1) * spec.image_size / 2 / factor)) + spec.glimpse_size // 2 for x in location)
        found.append(padded[row : row + spec.glimpse_size, column : column + spec.glimpse_size])
    return np.stack(found)


@pytest.mark.parametrize("location", [(0, 0), (-1, -1), (1, 1), (-1, 1), (0.25, -0.5), (0.9, 0.1)])
@pytest.mark.parametrize("side", [16, 18])  # a multiple of the coarsest scale, and not
def test_a_glimpse_holds_the_window_of_every_scale(rng, location, side):
    spec = dataclasses.replace(SMALL, image_size=side)
    images = rng.random((2, side, side, 1)).astype(np.float32)
    locations = np.float32([location, (-0.5, 0.75)])
    read = glimpses_at(pyramid(images, spec), locations, spec).numpy().reshape(2, 3, 4, 4)
    for image, place, samples in zip(images, locations, read):
        np.testing.assert_allclose(samples, windows(image[..., 0], place, spec), rtol=1e-5)


def test_windows_at_the_centre_and_the_corner_of_a_known_image():
    image = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)
    read = glimpses_at(pyramid(image, SMALL), tf.zeros([1, 2]), SMALL).numpy().reshape(3, 4, 4)
    np.testing.assert_allclose(read[0], image[0, 6:10, 6:10, 0])
    assert read[1, 0, 0] == (4 * 16 + 4 + 4 * 16 + 5 + 5 * 16 + 4 + 5 * 16 + 5) / 4  # the mean of four pixels
    assert read[2, 0, 0] == image[0, :4, :4, 0].mean()
    corner = glimpses_at(pyramid(image + 1, SMALL), -tf.ones([1, 2]), SMALL).numpy().reshape(3, 4, 4)
    for window in corner:  # a quarter of it is in the image
        assert not window[:2].any()
        assert not window[:, :2].any()
        assert (window[2:, 2:] > 0).all()
    np.testing.assert_allclose(corner[0, 2:, 2:], image[0, :2, :2, 0] + 1)


def test_trajectories_of_an_image_stand_next_to_each_other(rng):
    images = rng.random((2, 16, 16, 1)).astype(np.float32)
    locations = rng.uniform(-1, 1, (6, 2)).astype(np.float32)
    together = glimpses_at(pyramid(images, SMALL), locations, SMALL)
    alone = [glimpses_at(pyramid(images[i // 3][None], SMALL), locations[i][None], SMALL)[0] for i in range(6)]
    np.testing.assert_array_equal(together, np.stack(alone))


def test_multiplications_by_hand():
    what, where = 3 * 16 * 6 + 6 * 7, 2 * 5 + 5 * 7
    glimpse = what + where + 7 * 8 + 8 * 8
    averaged, answer, policy = 8 * 8 + 4 * 4, 8 * 10, 8 * 2
    assert multiplications(SMALL) == averaged + 3 * glimpse + 2 * policy + answer
    assert multiplications(SMALL, 1) == averaged + glimpse + answer
    published = 4 * 144 * 128 + 128 * 256 + 2 * 128 + 128 * 256 + 2 * 256 * 256
    assert multiplications(RamSpec()) == 52**2 + 26**2 + 13**2 + 8 * published + 7 * 512 + 2560


def test_multiplications_of_an_lstm_core_by_hand():
    lstm = dataclasses.replace(SMALL, cell="lstm")
    more = (7 + 8) * 4 * 8 + 3 * 8 - (7 * 8 + 8 * 8)
    assert multiplications(lstm) - multiplications(SMALL) == 3 * more


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_every_weight_of_the_answer_is_counted(cell):
    spec = dataclasses.replace(SMALL, cell=cell)
    model = RecurrentAttentionModel(spec)
    model.build()
    policy = [model.locator, model.baseline]
    kernels = [w for w in model.trainable_variables if len(w.shape) == 2 and not any(w is p.kernel for p in policy)]
    others = 8 * 8 + 4 * 4 + (3 * 8 if cell == "lstm" else 0)
    assert sum(int(np.prod(w.shape)) for w in kernels) + others == multiplications(spec, 1)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_the_first_glimpse_is_at_the_centre_and_the_others_stay_inside(rng, cell):
    model = RecurrentAttentionModel(dataclasses.replace(SMALL, cell=cell))
    model.build()
    images = rng.random((2, 16, 16, 1)).astype(np.float32)
    outputs = model(images)
    assert outputs["logits"].shape == (2, 3, 10)
    assert not outputs["locations"][:, 0].numpy().any()
    np.testing.assert_array_equal(outputs["locations"][:, 1:], outputs["means"])
    noise = np.zeros((6, 2, 2), np.float32)
    noise[3:] = 5.0
    noisy = model(images, noise)
    np.testing.assert_allclose(noisy["logits"][0], outputs["logits"][0], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(noisy["locations"][3:, 1:], np.ones((3, 2, 2)))
