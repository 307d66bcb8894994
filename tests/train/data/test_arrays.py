import dataclasses

import numpy as np
import pytest

from dcn_tf.labels import NOTHING
from train.data.arrays import background_count, dataset_of_arrays, even_ends, joined, window_split, with_backgrounds
from train.data.dataset import Split


@pytest.fixture
def splits():
    """Returns 6 training, 2 validation and 3 test images of 16 x 24 pixels, image i all of the grey i."""
    counts = {"train": 6, "validation": 2, "test": 3}
    images = {name: np.arange(n, dtype=np.uint8)[:, None, None, None] for name, n in counts.items()}
    labels = {name: np.repeat(np.arange(n, dtype=np.int32)[:, None], 4, axis=1) for name, n in counts.items()}
    return {name: Split(np.broadcast_to(images[name], (n, 16, 24, 1)), labels[name]) for name, n in counts.items()}


def made(splits, config, **values):
    config = config(preset="tiny_sequence", **values)
    return dataset_of_arrays("some", "six of them", tuple("0123456789"), splits, config, config.architecture)


def test_an_epoch_has_every_image_once_with_its_own_label(splits, config):
    dataset = made(splits, config, batch_size=3, augment=False)
    images, labels, boxes = map(np.concatenate, zip(dataset.train_batch(0), dataset.train_batch(1)))
    assert sorted(labels[:, 0].tolist()) == [0, 1, 2, 3, 4, 5]
    assert not boxes.any()  # nobody knows where the numbers are
    np.testing.assert_array_equal(images.reshape(6, -1).max(axis=1), labels[:, 0])
    np.testing.assert_array_equal(images.reshape(6, -1).min(axis=1), labels[:, 0])


def test_a_batch_depends_on_the_seed_and_the_step_alone(splits, config):
    first, again, other = (made(splits, config, batch_size=4, seed=seed) for seed in (0, 0, 1))
    for one, same in zip(first.train_batch(7), again.train_batch(7)):
        np.testing.assert_array_equal(one, same)
    assert first.train_batch(7)[1].tolist() != other.train_batch(7)[1].tolist()


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({"model": "fine", "training": "end_to_end"}, (12, 16)),
        ({"training": "modular"}, (12, 16)),
        ({"training": "end_to_end"}, (16, 24)),
    ],
)
def test_whole_models_are_trained_on_windows_and_the_network_on_maps(splits, config, values, size):
    images, labels, boxes = made(splits, config, batch_size=5, **values).train_batch(0)
    assert images.shape == (5, *size, 1)
    assert (images.dtype, labels.shape, boxes.shape) == (np.uint8, (5, 4), (5, 4))


def test_fixed_splits_are_as_they_were_and_calibration_is_of_training_images(splits, config):
    dataset = made(splits, config, batch_size=5)
    assert dataset.validation is splits["validation"]
    assert dataset.test is splits["test"]
    assert sorted(dataset.calibration.labels[:, 0].tolist()) == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(dataset.calibration.images[:, 0, 0, 0], dataset.calibration.labels[:, 0])


def test_backgrounds_have_nothing_to_read(splits):
    both = with_backgrounds(splits["train"], np.full((2, 16, 24), 99, np.uint8), [NOTHING] * 4)
    assert both.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 99, 99]
    assert both.labels[:6].tolist() == splits["train"].labels.tolist()
    assert both.labels[6:].tolist() == [[NOTHING] * 4] * 2


def test_backgrounds_make_their_share_of_all():
    for images, share, count in ((300, 0.25, 100), (47, 0.0, 0), (10, 0.5, 10)):
        assert background_count(images, share) == count


@pytest.fixture
def scenes():
    """Returns splits of 40 x 60 pictures of one digit, whose place is known, and one without any."""
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(6, 40, 60, 1), dtype=np.uint8)
    labels = np.array([[1, i, 10, 10] for i in range(5)] + [[0, 10, 10, 10]], np.int32)
    boxes = np.array([[20, 10, 32, 30]] * 5 + [[0] * 4], np.float32)
    split = Split(images, labels, boxes)
    return {"train": split, "validation": split, "test": split}


def placed(scenes, config, **values):
    config = config(preset="tiny_pyramid", training="modular", **values)
    return dataset_of_arrays("some", "six of them", tuple("0123456789"), scenes, config, config.architecture)


def test_windows_around_numbers_have_their_label_and_box_and_others_are_nothing(scenes, config):
    dataset = placed(scenes, config, batch_size=6, augment=False)
    whole = 0
    for step in range(20):
        images, labels, boxes = dataset.train_batch(step)
        assert images.shape == (6, 12, 16, 1)
        known = boxes[:, 2] > boxes[:, 0]
        whole += known.sum()
        assert (labels[known, 0] == 1).all()
        assert labels[~known].tolist() == [[0, 10, 10, 10]] * (~known).sum()
        assert (boxes >= 0).all()
        assert (boxes <= 1).all()
        assert sorted({*labels[known, 1]} | {*range(5)}) == [*range(5)]  # never the one without
    assert 40 < whole < 90  # about 64 in 100 of 100


def test_where_symbols_end_goes_with_the_box(scenes, config):
    ends = np.array([[0.1 * (i + 1), 1, 1] for i in range(5)] + [[1, 1, 1]], np.float32)
    known = {name: dataclasses.replace(split, ends=ends) for name, split in scenes.items()}
    boxes = placed(known, config, batch_size=6, augment=False).train_batch(3)[2]
    without = placed(scenes, config, batch_size=6, augment=False).train_batch(3)[2]
    np.testing.assert_array_equal(boxes[:, :4], without[:, :4])
    assert (without[:, 4:] == 1).all()  # of one digit each
    labels = np.array([[3, 1, 2, 3, 10], [0, 10, 10, 10, 10]])
    np.testing.assert_allclose(even_ends(labels), [[1 / 3, 2 / 3, 1, 1], [1] * 4])
    nowhere = {name: dataclasses.replace(split, boxes=None) for name, split in scenes.items()}
    assert placed(nowhere, config, batch_size=6).train_batch(3)[2].shape == boxes.shape  # so that they can be mixed
    np.testing.assert_allclose(np.sort(boxes[:, 4]), ends[:, 0])
    both = joined(known["train"], scenes["train"])
    np.testing.assert_array_equal(both.ends, np.concatenate([ends, np.ones((6, 3))]))
    assert joined(scenes["train"], scenes["train"]).ends is None
    np.testing.assert_array_equal(both.head(7).ends[6], 1)


def test_windows_depend_on_the_seed_and_the_step_alone(scenes, config):
    first, again, other = (placed(scenes, config, batch_size=4, seed=seed) for seed in (0, 0, 1))
    for one, same in zip(first.train_batch(7), again.train_batch(7)):
        np.testing.assert_array_equal(one, same)
    assert not np.array_equal(first.train_batch(7)[0], other.train_batch(7)[0])


def test_a_network_without_length_0_is_not_shown_windows_beside_numbers(scenes, config):
    config = config(preset="tiny_sequence", training="modular", batch_size=6, augment=False)
    splits = {name: dataclasses.replace(split, labels=np.maximum(split.labels, 0)) for name, split in scenes.items()}
    dataset = dataset_of_arrays("some", "", tuple("0123456789"), splits, config, config.architecture)
    images, labels, boxes = dataset.train_batch(0)
    assert not boxes.any()
    for image, label in zip(images[..., 0], labels):
        source = scenes["train"].images[label[1] if label[0] else 5, ..., 0]
        cuts = np.lib.stride_tricks.sliding_window_view(source, (12, 16)).reshape(-1, 12 * 16)
        assert (cuts == image.reshape(-1)).all(axis=1).any()


def test_a_fixed_window_of_each_picture(scenes, config):
    architecture = config(preset="tiny_pyramid").architecture
    many = Split(*(np.repeat(part, 20, axis=0) for part in dataclasses.astuple(scenes["train"])[:3]))
    split, again = window_split(many, architecture), window_split(many, architecture)
    np.testing.assert_array_equal(split.images, again.images)
    assert split.images.shape == (120, 12, 16, 1)
    known = split.boxes[:, 2] > 0
    np.testing.assert_array_equal(split.labels[known], many.labels[known])
    assert split.labels[~known].tolist() == [[0, 10, 10, 10]] * (~known).sum()
    heights = split.boxes[known, 3] - split.boxes[known, 1]  # in pixels of a window
    assert heights.min() > 4
    assert heights.max() < 12


def test_splits_of_one_size_are_joined(scenes):
    both = joined(scenes["train"].head(2), scenes["test"])
    assert len(both) == 8
    np.testing.assert_array_equal(both.images[2:], scenes["test"].images)
    np.testing.assert_array_equal(both.boxes[:2], scenes["train"].boxes[:2])


def test_backgrounds_beside_pictures_with_boxes_have_none(scenes):
    both = with_backgrounds(scenes["train"], np.zeros((2, 40, 60), np.uint8), [0, 10, 10, 10])
    assert both.labels[6:].tolist() == [[0, 10, 10, 10]] * 2
    assert both.boxes[6:].tolist() == [[0] * 4] * 2
    np.testing.assert_array_equal(both.boxes[:6], scenes["train"].boxes)
