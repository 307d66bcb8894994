import numpy as np
import pytest

from dcn_tf.geometry import PatchGrid
from dcn_tf.patches import cut_patches
from edge.network.patches import Canvas, Cutter, Layout, laid_out_shape, reach, whole_image, windows_of


@pytest.mark.parametrize(
    ("origin", "stride", "size"),
    [((0, 0), (4, 4), (6, 6)), ((-3, 2), (4, 3), (7, 5)), ((-9, -9), (2, 8), (11, 13)), ((5, -1), (3, 3), (14, 9))],
)
def test_patches_are_those_of_the_library(origin, stride, size):
    rng = np.random.default_rng(0)
    image = rng.integers(1, 256, (20, 26, 2), np.uint8)
    cells = np.stack(np.divmod(np.arange(24), 6), axis=1)  # every cell of a 4 x 6 map, borders too
    expected = cut_patches(image[None].astype(np.float32), cells[None], PatchGrid(origin, stride, size)).numpy()[0]
    places = (4, 6), origin, stride
    canvas = Canvas(image.shape, reach(image.shape, *places, size))
    canvas.image[...] = image
    cutter = Cutter(canvas, *places, size)
    found = cutter.cut(cells)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(cutter.cut(cells[5:7]), expected[5:7])


@pytest.mark.parametrize(("dtype", "zero"), [(np.int8, -128), (np.float32, 0)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("length", "step", "columns", "left"), [(4, 2, 5, 1), (8, 8, 2, 0), (6, 3, 4, 2), (3, 1, 9, 1)]
)
@pytest.mark.parametrize(("height", "down", "rows"), [(1, 1, 8), (3, 2, 3), (2, 3, 3), (8, 1, 1)])
def test_a_layout_is_a_plain_loop(dtype, zero, channels, length, step, columns, left, height, down, rows):
    images = np.random.default_rng(0).integers(-127, 128, (2, 5, 9, channels)).astype(dtype)
    right = step * (columns - 1) + length - left - 9
    layout = {"margins": [[1, 2], [left, right]], "group": [height, length], "step": [down, step]}
    found = Layout(layout, images.shape[1:], dtype, zero, 2).of(images)
    assert found.shape[1:] == laid_out_shape(layout, images.shape[1:]) == (rows, columns, height * length * channels)
    framed = np.full((2, 8, left + 9 + right, channels), zero, dtype)
    framed[:, 1:6, left : left + 9] = images
    for i, j in np.ndindex(rows, columns):
        expected = framed[:, down * i : down * i + height, step * j : step * j + length].reshape(2, -1)
        np.testing.assert_array_equal(found[:, i, j], expected)


def test_without_a_layout_images_are_as_they_are():
    images = np.random.default_rng(0).integers(256, size=(2, 5, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(Layout(None, (5, 9, 3), count=2).of(images), images)
    assert laid_out_shape(None, (5, 9, 3)) == (5, 9, 3)


def test_windows_are_views_in_their_places():
    canvas = np.arange(7 * 9 * 2).reshape(7, 9, 2)
    windows = windows_of(canvas, (1, 0), (2, 3), (2, 4), (3, 2))
    assert np.shares_memory(windows, canvas)
    for i in range(3):
        for j in range(2):
            np.testing.assert_array_equal(windows[i, j], canvas[1 + 2 * i : 3 + 2 * i, 3 * j : 3 * j + 4])


def test_an_image_with_its_layouts_margins_is_one_window():
    layout = {"margins": [[1, 2], [3, 4]], "group": [3, 5], "step": [2, 3]}
    image = np.random.default_rng(0).integers(1, 99, (11, 13, 1), np.int8)
    origin, size, within = whole_image(layout, image.shape[:2])
    assert (origin, size, within["margins"]) == ((-1, -3), (14, 20), ((0, 0), (0, 0)))
    assert whole_image(None, [11, 13]) == ((0, 0), (11, 13), None)
    canvas = Canvas(image.shape, reach(image.shape, (1, 1), origin, (1, 1), size), np.int8, -128)
    canvas.image[...] = image
    found = Cutter(canvas, (1, 1), origin, (1, 1), size, within).cut(np.zeros((1, 2), np.intp))
    np.testing.assert_array_equal(found, Layout(layout, image.shape, np.int8, -128).of(image[None]))
