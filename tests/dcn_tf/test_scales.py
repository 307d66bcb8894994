import numpy as np
import pytest

from dcn_tf.geometry import padded_size, scaled_size, smallest_image
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.presets import preset
from dcn_tf.scales import padded, scaled


def test_sizes_at_a_scale_are_rounded_and_never_nothing():
    assert scaled_size((101, 47), 0.75) == (76, 35)
    assert scaled_size((1, 3), 0.25) == (1, 1)
    assert scaled_size((10, 20), 1.5) == (15, 30)


@pytest.mark.parametrize("scale", [1.0, 0.75, 0.5, 0.35, 0.18, 0.1, 1.5])
@pytest.mark.parametrize("size", [(37, 51), (90, 325), (1, 2)])
def test_scaled_images_have_the_size_that_is_computed(scale, size):
    """Halves too: 0.35 of 90 is 31.499999999999996 in float64, but 31.5 in float32."""
    images = np.zeros((2, *size, 1), np.float32)
    assert scaled(images, scale).shape == (2, *scaled_size(size, scale), 1)


def test_smaller_images_are_smoothed():
    """Stripes of one pixel become grey, and do not alias."""
    stripes = np.tile(np.array([0.0, 1.0], np.float32), 16)[None, None, :, None] * np.ones((1, 32, 1, 1), np.float32)
    np.testing.assert_allclose(scaled(stripes, 0.25)[0, 2:-2, 2:-2], 0.5, atol=0.02)


def test_scale_one_changes_nothing():
    images = np.random.default_rng(0).random((1, 9, 7, 1), np.float32)
    np.testing.assert_array_equal(scaled(images, 1.0), images)


def test_the_smallest_image_has_one_cell_for_both_stacks():
    architecture = preset("svhn")
    height, width = smallest_image(architecture)
    assert (height, width) == (53, 109)
    assert DynamicCapacityNetwork(architecture).num_cells((height, width)) == 1


def test_small_images_are_padded_in_the_middle_by_their_border(sequence_architecture):
    assert smallest_image(sequence_architecture) == (8, 8)
    images = np.arange(2 * 5 * 10, dtype=np.float32).reshape(2, 5, 10, 1)
    result, start = padded(images, sequence_architecture)
    assert padded_size(sequence_architecture, (5, 10)) == (8, 10) == tuple(result.shape[1:3])
    np.testing.assert_array_equal(start, [1, 0])
    np.testing.assert_array_equal(result, np.pad(images, [(0, 0), (1, 2), (0, 0), (0, 0)], mode="edge"))


def test_images_of_enough_pixels_stay_as_they_are(sequence_architecture):
    images = np.random.default_rng(0).random((1, 9, 8, 1), np.float32)
    result, start = padded(images, sequence_architecture)
    np.testing.assert_array_equal(result, images)
    np.testing.assert_array_equal(start, [0, 0])
    assert padded_size(sequence_architecture, (9, 8)) == (9, 8)
