"""The windows that a swap changes, against a plain loop over all windows."""

import numpy as np
import pytest

from edge.network.assembly import Assembler

# Kernel size, strides, padding and map size.
GEOMETRIES = {
    "overlapping": ((4, 4), (2, 2), ((0, 0), (0, 0)), (9, 8)),
    "padded": ((3, 2), (2, 1), ((1, 2), (0, 1)), (7, 6)),
    "apart": ((2, 2), (3, 3), ((0, 0), (0, 0)), (9, 10)),
    "one window": ((4, 4), (1, 1), ((0, 0), (0, 0)), (4, 4)),
}
DEPTH, ZERO = 3, 7


def windows_by_hand(refined, size, strides, padding):
    """Returns every window of a map with `ZERO` around it, [windows, kh, kw, D], and the cells of each."""
    padded = np.pad(refined, (*padding, (0, 0)), constant_values=ZERO)
    cells = np.pad(np.arange(refined[..., 0].size).reshape(refined.shape[:2]), padding, constant_values=-1)
    windows, held = [], []
    for row in range(0, padded.shape[0] - size[0] + 1, strides[0]):
        for column in range(0, padded.shape[1] - size[1] + 1, strides[1]):
            part = slice(row, row + size[0]), slice(column, column + size[1])
            windows.append(padded[part])
            held.append(set(cells[part].ravel().tolist()))
    return np.stack(windows), held


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_exactly_the_windows_with_a_selected_cell_are_given(name, count):
    size, strides, padding, map_size = GEOMETRIES[name]
    rng = np.random.default_rng(0)
    assembler = Assembler(map_size, padding, strides, (*size, DEPTH), np.int8, ZERO)
    for _ in range(3):  # an image leaves nothing behind for the next one
        features = rng.integers(0, 99, (*map_size, DEPTH)).astype(np.int8)
        fine_features = rng.integers(0, 99, (count, DEPTH)).astype(np.int8)
        flat = rng.permutation(map_size[0] * map_size[1])[:count]
        cells = np.stack(np.divmod(flat, map_size[1]), axis=1)
        refined = features.copy()
        for cell, vector in zip(cells, fine_features):
            refined[tuple(cell)] = vector
        windows, held = windows_by_hand(refined, size, strides, padding)
        found, indices = assembler(features, fine_features, cells)
        np.testing.assert_array_equal(found, windows[indices])
        wanted = {i for i, inside in enumerate(held) if inside & set(flat.tolist())}
        assert wanted <= set(indices.tolist())
        if set().union(*held) >= set(flat.tolist()):  # a cell that no window holds may name any
            assert set(indices.tolist()) == wanted
        assert len(indices) <= Assembler.FEW or len(indices) % Assembler.STEP == 0
        assert len(indices) == assembler.rounded(len(wanted)) or not set().union(*held) >= set(flat.tolist())


def test_rows_are_put_where_their_windows_are():
    activations = np.zeros((5, 2), np.int8)
    Assembler.put(activations, np.array([4, 1, 1]), np.array([[1, 2], [3, 4], [3, 4]], np.int8))
    assert activations.tolist() == [[0, 0], [3, 4], [0, 0], [0, 0], [1, 2]]
