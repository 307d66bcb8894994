import numpy as np
import tensorflow as tf

from dcn_tf.geometry import PatchGrid
from dcn_tf.pyramid import Level
from train.pictures import attention, frame_patches, patch_frames, saliency_maps


def test_frames_lie_on_the_patch_borders_and_are_cut_at_the_image():
    image = np.zeros((20, 30, 3), np.uint8)
    outputs = {"cells": np.array([[[1, 2], [0, 0]]])}
    frames = patch_frames(outputs, 0, PatchGrid((-2, -2), (5, 6), (8, 8)))
    np.testing.assert_array_equal(frames, [[3, 10, 11, 18], [-2, -2, 6, 6]])
    framed = frame_patches(image, frames)
    lit = framed.any(axis=-1)
    expected = np.zeros((20, 30), bool)
    expected[3, 10:18] = expected[10, 10:18] = expected[3:11, 10] = expected[3:11, 17] = True
    expected[0, 0:6] = expected[5, 0:6] = expected[0:6, 0] = expected[0:6, 5] = True
    np.testing.assert_array_equal(lit, expected)
    assert framed[3, 10].sum() > framed[0, 0].sum()  # the most salient is brightest
    assert not image.any()


def test_a_row_for_each_image_with_its_saliency_and_patches():
    images = np.full((2, 20, 30, 1), 50, np.uint8)
    outputs = {
        "cells": np.array([[[0, 0]], [[1, 1]]]),
        "saliency": np.array([[[1.0, 0.0], [0.5, 0.0]]] * 2),
        "patches": np.full((2, 1, 8, 8, 1), 0.2),
    }
    picture = attention(images, outputs, PatchGrid((0, 0), (5, 6), (8, 8)))
    assert picture.shape == (20 + 4 + 20, 30 + 4 + 30 + 4 + 30 + 4 + 16, 3)  # the patch twice its size
    assert (picture[0, 68] == 255).all()  # the most salient cell is white in the saliency map
    assert (picture[19, 68] == 127).all()
    assert (picture[:16, 102:] == 51).all()
    assert (picture[16:20, 102:] == 96).all()


def test_several_patches_lie_in_rows():
    values = np.array([0.2, 0.4, 0.6, 0.8, 1.0])
    outputs = {
        "cells": np.zeros((1, 5, 2), int),
        "saliency": np.ones((1, 2, 2)),
        "patches": np.tile(values[:, None, None, None], (1, 1, 8, 8, 1)),
    }
    picture = attention(np.zeros((1, 20, 30, 1), np.uint8), outputs, PatchGrid((0, 0), (5, 6), (8, 8)))
    table = picture[:, 102:, 0]
    assert table.shape == (20, 3 * 8 + 2 * 4)
    assert table[::12, ::12].tolist() == [[51, 102, 153], [204, 255, 96]]


def pyramid_outputs():
    """Returns the outputs for a 20 x 30 image and half of it, padded by 3 rows; 2 x 2 cells and one."""
    nothing = tf.zeros([1, 1, 1, 1])
    return {
        "cells": np.array([[[1, 0, 0], [0, 1, 1]]]),
        "levels": [
            Level(nothing, tf.constant([0, 0]), tf.constant([1.0, 1.0])),
            Level(nothing, tf.constant([3, 0]), tf.constant([0.5, 0.5])),
        ],
        "map_sizes": np.array([[2, 2], [1, 1]]),
        "saliency": np.array([[0.0, 0.2, 0.8, 0.0, 0.4]]),
        "patches": np.full((1, 2, 8, 8, 1), 0.2),
    }


def test_patches_of_every_level_are_framed_in_pixels_of_the_image():
    frames = patch_frames(pyramid_outputs(), 0, PatchGrid((-1, 0), (5, 6), (8, 8)))
    np.testing.assert_allclose(frames, [[(-1 - 3) * 2, 0, (7 - 3) * 2, 16], [4, 6, 12, 14]])


def test_the_saliency_of_every_level_lies_over_the_image():
    first, second = saliency_maps(pyramid_outputs(), 0)
    assert first.tolist() == [[0.0, 0.2], [0.8, 0.0]]
    assert second.tolist() == [[0.4]]
    picture = attention(np.full((1, 20, 30, 1), 50, np.uint8), pyramid_outputs(), PatchGrid((-1, 0), (5, 6), (8, 8)))
    shown = picture[:, 68:98, 0]
    assert shown[0].tolist() == [127] * 30  # 0.4 of half the image is more than 0 and 0.2
    assert shown[19].tolist() == [255] * 15 + [127] * 15


def test_a_frame_outside_the_image_is_left_out():
    image = np.zeros((20, 30, 3), np.uint8)
    assert not frame_patches(image, np.array([[-9.0, 3.0, -1.0, 9.0]])).any()
