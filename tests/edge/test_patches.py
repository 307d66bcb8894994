import numpy as np
import pytest

from dcn_tf.geometry import PatchGrid
from dcn_tf.patches import assemble as tf_assemble
from dcn_tf.patches import cut_patches
from edge.patches import PatchCutter, assemble


@pytest.mark.parametrize(
    ("origin", "stride", "size"),
    [((0, 0), (4, 4), (6, 6)), ((-3, 2), (4, 3), (7, 5)), ((-9, -9), (2, 8), (11, 13)), ((5, -1), (3, 3), (14, 9))],
)
def test_patches_are_those_of_the_library(origin, stride, size):
    rng = np.random.default_rng(0)
    image = rng.integers(1, 256, (20, 26, 2), np.uint8)
    cells = np.stack(np.divmod(np.arange(24), 6), axis=1)  # every cell of a 4 x 6 map, borders too
    expected = cut_patches(image[None].astype(np.float32), cells[None], PatchGrid(origin, stride, size)).numpy()[0]
    found = PatchCutter(image.shape, (4, 6), origin, stride, size).cut(image, cells)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_the_refined_map_is_that_of_the_library():
    rng = np.random.default_rng(0)
    coarse, fine = rng.normal(size=(5, 6, 3)).astype(np.float32), rng.normal(size=(2, 3)).astype(np.float32)
    cells, before = np.array([[4, 0], [1, 5]]), coarse.copy()
    np.testing.assert_array_equal(assemble(coarse, fine, cells), tf_assemble(coarse[None], fine[None], cells[None])[0])
    np.testing.assert_array_equal(coarse, before)
