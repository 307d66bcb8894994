import numpy as np
import pytest

from train.data import street_numbers
from train.data.registry import load_dataset
from train.data.rendering import crops
from train.errors import UserError


@pytest.fixture
def few(monkeypatch, tmp_path):
    monkeypatch.setattr(street_numbers, "load_crops", lambda *args: crops.load_crops(*args, folder=tmp_path / "cache"))


def test_the_splits_have_the_sizes_asked_for(few, config):
    config = config(dataset="street_numbers", preset="svhn", validation_images=6, test_images=9)
    dataset = load_dataset(config, config.architecture)
    assert dataset.name == "street_numbers"
    assert "rendered at run time, not photographed: 20 train in 39 families" in dataset.detail
    assert dataset.validation.images.shape == (6, 64, 128, 1)
    assert dataset.test.images.shape == (9, 64, 128, 1)
    assert dataset.test.labels.shape == (9, 6)
    assert dataset.label_names == tuple("0123456789")


def test_labels_are_length_digits_and_none(few, config):
    config = config(dataset="street_numbers", preset="svhn", test_images=30)
    labels = load_dataset(config, config.architecture).test.labels
    digits = crops.render_crops("test", 30, (64, 128), workers=1)[1]
    for (length, *symbols), row in zip(labels, digits):
        number = row[row != crops.EMPTY].tolist()
        assert length == len(number) - 1
        assert symbols == number + [10] * (5 - len(number))


def test_batches_are_windows_of_training_crops_and_depend_on_the_step_alone(few, config):
    config = config(dataset="street_numbers", preset="svhn", training="modular", batch_size=4)
    dataset = load_dataset(config, config.architecture)
    images, labels = dataset.train_batch(3)
    assert images.shape == (4, 54, 110, 1)
    assert labels.shape == (4, 6)
    np.testing.assert_array_equal(images, dataset.train_batch(3)[0])
    assert not np.array_equal(images, dataset.train_batch(4)[0])


@pytest.mark.parametrize("preset", ["cluttered_mnist", "tiny_sequence"])
def test_a_preset_for_something_else_is_refused(few, config, preset):
    config = config(dataset="street_numbers", preset=preset)
    with pytest.raises(UserError, match=rf"up to 5 digits\. Received: --preset={preset}; use --preset=svhn"):
        load_dataset(config, config.architecture)
