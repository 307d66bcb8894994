import dataclasses

import numpy as np

from train.data.pipeline import to_float, train_batches
from train.data.registry import load_dataset


def test_batches_come_in_order_from_any_step(config):
    config = config()
    dataset = load_dataset(config, config.architecture)
    batches = list(train_batches(dataset, 2, 6))
    assert len(batches) == 4
    for step, (images, labels, boxes) in enumerate(batches, 2):
        expected_images, expected_labels, expected_boxes = dataset.train_batch(step)
        np.testing.assert_allclose(images, expected_images / np.float32(255), rtol=1e-7)
        np.testing.assert_array_equal(labels, expected_labels)
        np.testing.assert_array_equal(boxes, expected_boxes)
        assert boxes.shape == (8, 4)
        assert images.shape == (8, 100, 100, 1)


def test_white_is_one_and_black_is_zero():
    assert to_float(np.array([0, 51, 255], np.uint8)).numpy().tolist() == [0.0, np.float32(51) / np.float32(255), 1.0]


def test_every_batch_is_made_once_and_is_that_of_its_step(config):
    config = config()
    whole = load_dataset(config, config.architecture)
    made = []
    counting = dataclasses.replace(whole, train_batch=lambda step: made.append(int(step)) or whole.train_batch(step))
    batches = train_batches(counting, 3, 7)
    assert made == [3]
    images = [images.numpy() for images, _, _ in batches]
    assert sorted(made) == [3, 4, 5, 6]
    for step, found in enumerate(images, 3):
        np.testing.assert_array_equal(found, to_float(whole.train_batch(step)[0]))
    again = [images.numpy() for images, _, _ in batches]  # a second pass makes the first batch again
    np.testing.assert_array_equal(again, images)
