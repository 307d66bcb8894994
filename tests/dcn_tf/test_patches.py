import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.geometry import PatchGrid
from dcn_tf.patches import ROUND, assemble, cut_patches, once, vectors_at


def test_a_stack_sees_the_patch_of_a_cell_once(rng):
    patches = rng.random((2, 6, 3, 3, 1), np.float32)
    cells = np.array(
        [[(0, 0), (0, 1), (0, 0), (2, 0), (0, 1), (0, 0)], [(0, 0), (1, 1), (1, 1), (1, 1), (0, 0), (0, 2)]]
    )
    for image, rank in np.ndindex(2, 6):  # the same cell, the same patch
        first = np.flatnonzero((cells[image] == cells[image, rank]).all(axis=1))[0]
        patches[image, rank] = patches[image, first]
    shown = []

    def stack(some):
        shown.append(some.shape[:2])
        return tf.reduce_sum(some, axis=(2, 3))

    vectors = once(stack, tf.constant(patches), tf.constant(cells))
    np.testing.assert_allclose(vectors, patches.sum(axis=(2, 3)), rtol=1e-6)
    assert shown == [(ROUND, 1)]  # three and three, filled up


def cut_by_loops(images, cells, grid):
    """Copies pixel by pixel; zero outside the image."""
    batch, k = cells.shape[:2]
    patches = np.zeros((batch, k, *grid.size, images.shape[-1]), images.dtype)
    for b in range(batch):
        for i in range(k):
            top = grid.origin[0] + cells[b, i, 0] * grid.stride[0]
            left = grid.origin[1] + cells[b, i, 1] * grid.stride[1]
            for row in range(grid.size[0]):
                for column in range(grid.size[1]):
                    if 0 <= top + row < images.shape[1] and 0 <= left + column < images.shape[2]:
                        patches[b, i, row, column] = images[b, top + row, left + column]
    return patches


GRIDS = {
    "inside": PatchGrid((0, 0), (4, 4), (5, 5)),
    "rectangular, odd strides": PatchGrid((1, 2), (3, 5), (2, 7)),
    "partly outside on every side": PatchGrid((-3, -2), (4, 6), (8, 9)),
    "larger than the image": PatchGrid((-4, -5), (1, 1), (30, 40)),
    "wholly outside": PatchGrid((-50, -50), (1, 1), (6, 6)),
    "wholly outside behind": PatchGrid((30, 0), (1, 1), (3, 3)),
}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_cut_patches_against_loops(grid, rng):
    images = rng.normal(1, 1, (3, 17, 23, 2)).astype(np.float32)
    cells = np.stack([rng.integers(0, 5, (3, 6)), rng.integers(0, 4, (3, 6))], axis=-1)
    cells[:, :2] = [(0, 0), (4, 3)]  # both corners
    patches = cut_patches(tf.constant(images), tf.constant(cells), grid)
    np.testing.assert_array_equal(patches, cut_by_loops(images, cells, grid))


def test_cut_patches_of_images_whose_size_is_unknown_beforehand(rng):
    grid = GRIDS["partly outside on every side"]
    cut = tf.function(
        lambda images, cells: cut_patches(images, cells, grid),
        input_signature=[tf.TensorSpec([None, None, None, 1]), tf.TensorSpec([None, None, 2], tf.int32)],
    )
    for height, width in ((9, 30), (21, 11)):
        images = rng.random((2, height, width, 1), np.float32)
        cells = rng.integers(0, 3, (2, 4, 2)).astype(np.int32)
        np.testing.assert_array_equal(cut(images, cells), cut_by_loops(images, cells, grid))


def test_assemble_against_loops(rng):
    coarse, fine = rng.random((2, 4, 5, 3), np.float32), rng.random((2, 6, 3), np.float32)
    flat = np.stack([rng.permutation(20)[:6] for _ in range(2)])
    cells = np.stack([flat // 5, flat % 5], axis=-1)
    expected = coarse.copy()
    for b in range(2):
        for i, (row, column) in enumerate(cells[b]):
            expected[b, row, column] = fine[b, i]
    np.testing.assert_array_equal(assemble(tf.constant(coarse), tf.constant(fine), tf.constant(cells)), expected)
    np.testing.assert_array_equal(vectors_at(tf.constant(expected), tf.constant(cells)), fine)


def test_a_gradient_reaches_whichever_vector_stood_there(rng):
    coarse, fine = tf.constant(rng.random((2, 3, 4, 5), np.float32)), tf.constant(rng.random((2, 2, 5), np.float32))
    cells = tf.constant([[(0, 0), (2, 3)], [(1, 2), (0, 3)]])
    upstream = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch([coarse, fine])
        total = tf.reduce_sum(assemble(coarse, fine, cells) * upstream)
    coarse_gradient, fine_gradient = tape.gradient(total, [coarse, fine])
    expected_coarse, expected_fine = upstream.copy(), np.zeros(fine.shape, np.float32)
    for b in range(2):
        for i, (row, column) in enumerate(cells.numpy()[b]):
            expected_coarse[b, row, column] = 0  # exactly: the coarse vector took no part
            expected_fine[b, i] = upstream[b, row, column]
    np.testing.assert_array_equal(coarse_gradient, expected_coarse)
    np.testing.assert_array_equal(fine_gradient, expected_fine)


def test_a_gradient_passes_patches_back_to_their_pixels(rng):
    """Pixels under several patches collect from each, those under none get exactly nothing."""
    grid, images = PatchGrid((-1, 0), (2, 3), (4, 5)), tf.constant(rng.random((1, 9, 12, 1), np.float32))
    cells = np.array([[(0, 0), (1, 0), (3, 2)]])
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(cut_patches(images, tf.constant(cells), grid))
    expected = np.zeros((9, 12))
    for row, column in cells[0]:
        top, left = -1 + 2 * row, 3 * column
        expected[max(top, 0) : top + 4, left : left + 5] += 1
    assert expected.max() == 2
    np.testing.assert_array_equal(tape.gradient(total, images)[0, ..., 0], expected)
