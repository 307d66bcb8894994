import numpy as np

from train.data.augment import random_windows


def gradients(count=6):
    rows, columns = np.mgrid[0:64, 0:128]
    return np.stack([(rows + columns + 4 * i).astype(np.uint8) for i in range(count)])[..., None]


def test_plain_windows_are_cuts_at_every_corner():
    images = np.repeat(gradients(1), 2000, axis=0)
    windows = random_windows(images, (54, 110), np.random.default_rng(0), augment=False)
    corners = windows[:, 0, 0, 0]  # of this gradient, row + column of the cut
    assert (corners.min(), corners.max()) == (0, 10 + 18)
    np.testing.assert_array_equal(windows[0, ..., 0] - corners[0], images[0, :54, :110, 0])


def test_augmented_windows_are_reproducible_and_differ_from_each_other():
    images = gradients()
    one, again = (random_windows(images, (54, 110), np.random.default_rng(3), augment=True) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert one.shape == (6, 54, 110, 1)
    assert one.dtype == np.uint8
    same = np.repeat(images[:1], 6, axis=0)
    windows = random_windows(same, (54, 110), np.random.default_rng(3), augment=True).reshape(6, -1).astype(float)
    assert np.abs(windows[:, None] - windows[None]).mean(axis=-1)[~np.eye(6, dtype=bool)].min() > 1


def test_augmentation_keeps_the_number_in_the_window():
    """A bright block in the middle stays wholly inside every window: its label stays true."""
    images = np.full((200, 64, 128, 1), 100, np.uint8)
    images[:, 14:50, 24:104] = 200
    windows = random_windows(images, (54, 110), np.random.default_rng(1), augment=True)[..., 0].astype(float)
    border = np.concatenate([windows[:, 0], windows[:, -1], windows[:, :, 0], windows[:, :, -1]], axis=1)
    middle = windows[:, 20:34, 40:70].mean(axis=(1, 2))
    contrast = np.abs(middle - np.median(border, axis=1))
    assert (contrast > 30).mean() > 0.95
    touching = (np.abs(border - middle[:, None]) < 0.3 * contrast[:, None]).mean(axis=1)
    assert (touching[contrast > 30] < 0.02).mean() > 0.95
