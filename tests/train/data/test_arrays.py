import numpy as np
import pytest

from dcn_tf.losses import NOTHING
from train.data.arrays import background_count, dataset_of_arrays, with_backgrounds
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
    images, labels = (np.concatenate(parts) for parts in zip(dataset.train_batch(0), dataset.train_batch(1)))
    assert sorted(labels[:, 0].tolist()) == [0, 1, 2, 3, 4, 5]
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
    images, labels = made(splits, config, batch_size=5, **values).train_batch(0)
    assert images.shape == (5, *size, 1)
    assert (images.dtype, labels.shape) == (np.uint8, (5, 4))


def test_fixed_splits_are_as_they_were_and_calibration_is_of_training_images(splits, config):
    dataset = made(splits, config, batch_size=5)
    assert dataset.validation is splits["validation"]
    assert dataset.test is splits["test"]
    assert sorted(dataset.calibration.labels[:, 0].tolist()) == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(dataset.calibration.images[:, 0, 0, 0], dataset.calibration.labels[:, 0])


def test_backgrounds_have_nothing_to_read(splits):
    both = with_backgrounds(splits["train"], np.full((2, 16, 24), 99, np.uint8))
    assert both.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 99, 99]
    assert both.labels[:6].tolist() == splits["train"].labels.tolist()
    assert both.labels[6:].tolist() == [[NOTHING] * 4] * 2


def test_backgrounds_make_their_share_of_all():
    for images, share, count in ((300, 0.25, 100), (47, 0.0, 0), (10, 0.5, 10)):
        assert background_count(images, share) == count
