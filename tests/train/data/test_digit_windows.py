import dataclasses

import numpy as np
import pytest

from train.config import Config
from train.data import digits
from train.data.digit_windows import windows
from train.data.registry import load_dataset
from train.errors import UserError


@pytest.fixture
def loaded(monkeypatch):
    """Returns a function: name of a data set -> it, of 60 random digits."""
    rng = np.random.default_rng(0)
    part = rng.integers(256, size=(20, 28, 28), dtype=np.uint8), rng.integers(10, size=20)
    monkeypatch.setattr(digits, "load_mnist", lambda folder: digits.Digits(part, part, part, "random"))
    sizes = {"validation_images": 20, "test_images": 20, "batch_size": 8}
    whole = Config("workdir", "cluttered_mnist", **sizes)
    windowed = dataclasses.replace(whole, dataset="cluttered_mnist_windows", architecture_file="teacher.yaml")

    def load(name):
        config = windowed if name == windowed.dataset else whole
        return load_dataset(config, config.architecture)

    return load


def test_windows_by_loops():
    rng = np.random.default_rng(1)
    images, corners = rng.integers(256, size=(3, 40, 50, 1), dtype=np.uint8), [(0, 0), (22, 12), (7, 3)]  # (x, y)
    found = windows(images, np.float32([(x, y, x + 28, y + 28) for x, y in corners]))
    for b, (x, y) in enumerate(corners):
        for row in range(28):
            for column in range(28):
                assert found[b, row, column, 0] == images[b, y + row, x + column, 0]


def test_a_window_holds_the_digit_and_what_lies_over_it(loaded):
    whole, cut = loaded("cluttered_mnist"), loaded("cluttered_mnist_windows")
    for split in ("validation", "test"):
        ours, theirs = getattr(cut, split), getattr(whole, split)
        np.testing.assert_array_equal(ours.images, windows(theirs.images, theirs.boxes))
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        np.testing.assert_array_equal(ours.boxes, [[0, 0, 28, 28]] * 20)
        np.testing.assert_array_equal(ours.sources, theirs.sources)
        originals = digits.load_mnist(None).test[0][ours.sources]
        assert (ours.images[..., 0] >= originals).all()  # clutter adds
        assert (ours.images[..., 0] == originals).mean() > 0.8


def test_training_windows_are_those_of_the_whole_images(loaded):
    whole, cut = loaded("cluttered_mnist"), loaded("cluttered_mnist_windows")
    (images, labels, boxes), (found, same, all_of_it) = whole.train_batch(3), cut.train_batch(3)
    np.testing.assert_allclose((boxes[:, 2:] - boxes[:, :2]) * 100, 28, rtol=1e-5)
    np.testing.assert_array_equal(found, windows(images, boxes * 100))
    np.testing.assert_array_equal(same, labels)
    np.testing.assert_array_equal(all_of_it, [[0, 0, 1, 1]] * 8)


def test_a_network_for_whole_images_is_refused():
    config = Config("workdir", "cluttered_mnist_windows")
    with pytest.raises(UserError, match="holds 28 x 28 images of one digit. .*; use --architecture=teacher.yaml"):
        load_dataset(config, config.architecture)
