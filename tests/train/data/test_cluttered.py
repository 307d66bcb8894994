import numpy as np
import pytest

from train.data import cluttered
from train.data.cluttered import clutter, distorted, fixed_split
from train.data.dataset import epoch_indices, step_generator
from train.data.registry import load_dataset
from train.errors import UserError


def digits(count=6, seed=0):
    return np.random.default_rng(seed).integers(256, size=(count, 28, 28), dtype=np.uint8)


def test_images_equal_a_plain_loop_over_the_same_random_numbers():
    images, targets = digits(), [3, 0, 5]
    made, corners_made = clutter(images, targets, np.random.default_rng(7))
    rng = np.random.default_rng(7)
    sources, crops = rng.integers(6, size=(3, 8)), rng.integers(21, size=(3, 8, 2))
    places, corners = rng.integers(93, size=(3, 8, 2)), rng.integers(73, size=(3, 2))
    for b in range(3):
        canvas = np.zeros((100, 100))
        for d in range(8):
            for y in range(8):
                for x in range(8):
                    value = images[sources[b, d], crops[b, d, 0] + y, crops[b, d, 1] + x] / 255
                    canvas[places[b, d, 0] + y, places[b, d, 1] + x] += value
        canvas = np.minimum(canvas, 1)
        for y in range(28):
            for x in range(28):
                canvas[corners[b, 0] + y, corners[b, 1] + x] += images[targets[b], y, x] / 255
        np.testing.assert_array_equal(made[b, ..., 0], np.round(255 * np.clip(canvas, 0, 1)))
    np.testing.assert_array_equal(corners_made, corners)


def test_without_distractors_the_digit_stands_alone_and_reaches_every_border():
    solid = np.full((1, 28, 28), 200, np.uint8)
    made, _ = clutter(solid, [0] * 3000, np.random.default_rng(0), distractors=0)
    assert set(np.unique(made)) == {0, 200}
    assert (made.sum(axis=(1, 2, 3)) == 200 * 28 * 28).all()
    rows = made[..., 0].any(axis=2).argmax(axis=1)
    assert (rows.min(), rows.max()) == (0, 72)


def test_sums_are_clipped_and_do_not_wrap_around():
    solid = np.full((1, 28, 28), 200, np.uint8)
    made, _ = clutter(solid, [0] * 50, np.random.default_rng(0), canvas=28)
    assert (made == 255).any()
    assert made.min() == 200


def test_a_distorted_digit_keeps_its_place_and_changes_as_much_as_asked():
    square = np.zeros((400, 28, 28), np.uint8)
    square[:, 9:19, 9:19] = 240
    np.testing.assert_array_equal(distorted(square, 0, np.random.default_rng(0)), square)
    made = distorted(square, 1, np.random.default_rng(0)).astype(float)
    rows = (made * np.arange(28)[:, None]).sum(axis=(1, 2)) / made.sum(axis=(1, 2))
    np.testing.assert_allclose(rows, 13.5, atol=0.1)
    # Area grows by the product of two stretches, each e**(0.15 u), u uniform in [-1, 1]; turns and shears keep it.
    growth = np.log(made.sum(axis=(1, 2)) / square[0].sum())
    assert np.abs(growth).max() == pytest.approx(0.3, abs=0.05)
    assert growth.std() == pytest.approx(0.15 * np.sqrt(2 / 3), rel=0.15)
    corners = made[:, 7, 7:21].argmax(axis=1)  # a turned square reaches above its upper side
    assert len(np.unique(corners)) > 3


def test_bent_digits_are_shifted_smoothly_by_as_much_as_asked():
    ramps = np.zeros((300, 28, 28), np.uint8) + np.arange(28, dtype=np.uint8) * 9  # 9 a column: brightness tells it
    made = distorted(ramps, 0, np.random.default_rng(0), elasticity=0.8).astype(float)
    shifts = (made - ramps)[:, 8:20, 8:20] / 9
    assert shifts.std() == pytest.approx(0.8, rel=0.1)
    assert np.abs(shifts.mean()) < 0.1
    assert np.diff(shifts, axis=1).std() < 0.3  # from a row to the next
    np.testing.assert_array_equal(distorted(ramps, 0, np.random.default_rng(0), elasticity=0.0), ramps)


def test_an_elastic_image_is_turned_as_one_that_is_not():
    square = np.zeros((200, 28, 28), np.uint8)
    square[:, 9:19, 9:19] = 240
    turned = distorted(square, 1, np.random.default_rng(0)).astype(float)
    hardly_bent = distorted(square, 1, np.random.default_rng(0), elasticity=1e-3).astype(float)
    assert np.abs(turned - hardly_bent).mean() < 1


def test_elasticity_alone_changes_every_second_image_too():
    solid = np.full((1, 28, 28), 200, np.uint8)
    plain, _ = clutter(solid, [0] * 40, np.random.default_rng(0), distractors=0)
    made, _ = clutter(solid, [0] * 40, np.random.default_rng(0), distractors=0, elasticity=2)
    assert 12 <= (made != plain).any(axis=(1, 2, 3)).sum() <= 28


def test_fragments_are_as_smooth_as_the_digit_and_every_second_image_is_sharp():
    stripes = np.zeros((1, 28, 28), np.uint8)
    stripes[:, ::2] = 200
    made, corners = clutter(stripes, [0] * 40, np.random.default_rng(0), distractors=3, distortion=1)
    sharp = []
    for image, (row, column) in zip(made[..., 0], corners):
        digit = image[row : row + 28, column : column + 28].copy()
        image[row : row + 28, column : column + 28] = 0
        sharp.append(np.mean(digit[digit > 0] == 200) > 0.6)
        if image.any():
            assert (np.mean(image[image > 0] == 200) > 0.6) == sharp[-1]
    assert 12 <= sum(sharp) <= 28


def test_distortion_keeps_the_digits_place():
    solid = np.full((1, 28, 28), 200, np.uint8)
    plain, _ = clutter(solid, [0] * 40, np.random.default_rng(0), distractors=0)
    made, _ = clutter(solid, [0] * 40, np.random.default_rng(0), distractors=0, distortion=1)
    assert 12 <= (made != plain).any(axis=(1, 2, 3)).sum() <= 28
    assert not made[plain == 0].any()  # within the place of the digit


def test_every_digit_is_a_target_once_per_epoch():
    first = np.concatenate([epoch_indices(10, 4, seed=1, step=step) for step in range(5)])
    assert sorted(first[:10]) == sorted(first[10:]) == list(range(10))
    assert list(first[:10]) != list(first[10:])
    assert list(first) != list(np.concatenate([epoch_indices(10, 4, seed=2, step=step) for step in range(5)]))


def test_a_fixed_split_labels_its_digits():
    images, labels = digits(4), np.array([7, 1, 3, 9])
    split = fixed_split(images, labels, 8, seed=5)
    assert sorted(split.labels[:4, 0]) == sorted(split.labels[4:, 0]) == [1, 3, 7, 9]
    for image, (left, top, right, bottom) in zip(split.images[..., 0], split.boxes.astype(int)):
        assert (right - left, bottom - top) == (28, 28)
        inside = image[top:bottom, left:right]
        assert any((inside >= digit).all() for digit in images)  # the digit, and fragments added to it
    np.testing.assert_array_equal(split.images, fixed_split(images, labels, 8, seed=5).images)


def test_test_images_do_not_depend_on_the_seed_and_training_does(config):
    one, other = (load_dataset(c, c.architecture) for c in (config(seed=1), config(seed=2)))
    for split in ("validation", "test", "calibration"):
        np.testing.assert_array_equal(getattr(one, split).images, getattr(other, split).images)
    assert not np.array_equal(one.train_batch(0)[0], other.train_batch(0)[0])
    np.testing.assert_array_equal(one.train_batch(5)[0], one.train_batch(5)[0])
    assert not np.array_equal(one.train_batch(5)[0], one.train_batch(6)[0])


def test_a_preset_of_another_size_is_refused(config):
    config = config(preset="tiny_sequence")
    message = r"100 x 100 images of one digit\. Received: tiny_sequence, .* use --preset=cluttered_mnist"
    with pytest.raises(UserError, match=message):
        load_dataset(config, config.architecture)


def test_more_images_are_further_sets_of_the_same_digits(monkeypatch):
    monkeypatch.setattr(cluttered, "SET", 6)
    images, labels = digits(), np.arange(6)
    one, three = fixed_split(images, labels, 6, seed=9), fixed_split(images, labels, 15, seed=9)
    np.testing.assert_array_equal(three.images[:6], one.images)
    np.testing.assert_array_equal(three.sources, epoch_indices(6, 15, 9, 0))
    np.testing.assert_array_equal(three.labels[:, 0], three.sources)
    assert sorted(three.sources[6:12]) == list(range(6))
    second, _ = clutter(images, three.sources[6:12], step_generator(9, 1))
    np.testing.assert_array_equal(three.images[6:12], second)
    assert three.boxes.shape == (15, 4)
    assert three.head(2).sources.tolist() == three.sources[:2].tolist()


def test_ten_thousand_images_are_one_set():
    images, labels = digits(), np.arange(6)
    split = fixed_split(images, labels, 40, seed=9)
    made, _ = clutter(images, epoch_indices(6, 40, 9, 0), step_generator(9, 0))
    np.testing.assert_array_equal(split.images, made)
    assert cluttered.SET == 10_000
