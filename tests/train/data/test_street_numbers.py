import numpy as np
import pytest

from dcn_tf.losses import NOTHING
from train.data.registry import load_dataset
from train.data.rendering import cache, sets
from train.data.rendering.sets import load_crops, load_photographs
from train.errors import UserError


@pytest.fixture
def few(monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "FOLDER", tmp_path / "cache")


def load(config, **values):
    config = config(dataset="street_numbers", preset="svhn", **values)
    return load_dataset(config, config.architecture)


def test_training_and_validation_are_crops_and_the_test_is_photographs_and_tight_crops(few, config):
    dataset = load(config, validation_images=6, test_images=9, looseness=2.0)
    assert dataset.name == "street_numbers"
    assert "rendered at run time, not photographed: 20 train crops in 39 families" in dataset.detail
    assert dataset.validation.images.shape == (6, 64, 128, 1)
    assert dataset.label_names == tuple("0123456789")
    assert [image.shape[2] for image in dataset.test.images] == [1] * 9
    assert {image.shape[:2] for image in dataset.test.images} <= set(sets.PHOTOGRAPH_SIZES)
    assert list(dataset.more_tests) == ["crops"]
    assert dataset.more_tests["crops"].images.shape == (9, 64, 128, 1)
    for split in (dataset.validation, dataset.test, dataset.more_tests["crops"]):
        assert split.labels.shape == (len(split), 6)
        assert split.boxes.shape == (len(split), 4)
    loose, tight = load_crops("validation", 6, (64, 128), 2.0), load_crops("test", 9, (64, 128))
    np.testing.assert_array_equal(dataset.validation.images[..., 0], loose.images)
    np.testing.assert_array_equal(dataset.more_tests["crops"].images[..., 0], tight.images)


def test_labels_are_length_digits_and_none(few, config):
    dataset = load(config, test_images=30)
    numbers = load_photographs("test", 30).numbers
    assert len(set(map(len, numbers))) > 2
    for (length, *symbols), number in zip(dataset.test.labels, numbers):
        assert length == len(number) - 1
        assert symbols == number + [10] * (5 - len(number))


def test_batches_are_windows_of_training_crops_and_depend_on_the_step_alone(few, config):
    config = config(dataset="street_numbers", preset="svhn", training="modular", batch_size=4)
    dataset = load_dataset(config, config.architecture)
    images, labels, boxes = dataset.train_batch(3)
    assert not boxes.any()
    assert images.shape == (4, 54, 110, 1)
    assert labels.shape == (4, 6)
    np.testing.assert_array_equal(images, dataset.train_batch(3)[0])
    assert not np.array_equal(images, dataset.train_batch(4)[0])


@pytest.mark.parametrize("preset", ["cluttered_mnist", "tiny_sequence"])
def test_a_preset_for_something_else_is_refused(few, config, preset):
    config = config(dataset="street_numbers", preset=preset)
    with pytest.raises(UserError, match=rf"up to 5 digits\. Received: --preset={preset}; use --preset=svhn"):
        load_dataset(config, config.architecture)


def test_some_training_images_have_nothing_to_read(few, config):
    config = config(dataset="street_numbers", preset="svhn", training="modular", background_share=0.5, batch_size=40)
    dataset = load_dataset(config, config.architecture)
    _, labels, _ = dataset.train_batch(0)  # all of them: 20 with a number and 20 without
    assert (labels == NOTHING).all(axis=1).sum() == 20
    assert (labels >= 0).all(axis=1).sum() == 20
    assert (dataset.validation.labels >= 0).all()
    assert (dataset.test.labels >= 0).all()
