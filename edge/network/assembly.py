"""Puts the fine vectors into the coarse map, and takes what that changes for a top of one convolution."""

import numpy as np

from edge.network.patches import windows_of
from edge.network.saliency import count_windows


class Assembler:
    """Finds the windows of a convolution that hold a selected cell, after the swap: the others stay what they were.

    Args:
        map_size: (height, width) in cells.
        padding: of the convolution, ((top, bottom), (left, right)) in cells.
        strides: of the convolution, in cells.
        kernel_shape: (height, width, D).
        dtype, zero: of the vectors.
    """

    FEW, STEP = 10, 4  # of more windows than a few the number is a multiple of it: sixteen batch sizes up to 32 windows

    def __init__(self, map_size, padding, strides, kernel_shape, dtype, zero):
        size, depth = kernel_shape[:2], kernel_shape[2]
        self.canvas = np.full((*(n + sum(p) for n, p in zip(map_size, padding)), depth), zero, dtype)
        self.map = self.canvas[tuple(slice(p[0], p[0] + n) for p, n in zip(padding, map_size))]
        counts = count_windows(map_size, padding, kernel_shape, strides)
        self.num_windows = counts[0] * counts[1]
        self.windows = windows_of(self.canvas, (0, 0), strides, size, counts)  # [., ., height, width, D]
        axes = [_windows_along(*axis) for axis in zip(map_size, padding, strides, size, counts)]
        rows, columns = axes[0][:, None, :, None], axes[1][None, :, None, :]
        windows = (rows * counts[1] + columns).reshape(*map_size, -1)
        self.windows_of_cells = np.ascontiguousarray(windows, np.int32)  # [h, w, windows of a cell]

    def __call__(self, features, fine_features, cells):
        """Returns the windows that change, [n, height, width, D], and their indices [n]; some may be there twice.

        Args:
            features: the coarse vectors, [h, w, D].
            fine_features: [k, D].
            cells: (row, column) of each of them, [k, 2].
        """
        rows, columns = cells[:, 0], cells[:, 1]
        self.map[...] = features
        self.map[rows, columns] = fine_features
        changed = np.zeros(self.num_windows, bool)
        changed[self.windows_of_cells[rows, columns]] = True
        indices = changed.nonzero()[0]
        indices = indices.take(range(self.rounded(len(indices))), mode="clip")
        return self.windows[np.divmod(indices, self.windows.shape[1])], indices

    def rounded(self, count: int) -> int:
        """Returns of how many windows the top is run, where so many change: the last comes again."""
        return count if count <= self.FEW else -(-count // self.STEP) * self.STEP

    @staticmethod
    def put(activations, indices, rows) -> None:
        """Writes what the changed windows give into what all of them gave: [n, filters] into [windows, filters]."""
        activations[indices] = rows


def _windows_along(cells, padding, stride, size, count):
    """Returns the windows that hold each cell of an axis, [cells, most that one has]; some of them more than once."""
    most = -(-size // stride)
    last = (np.arange(cells) + padding[0]) // stride
    windows = last[:, None] - np.arange(most)
    holds = (windows >= 0) & (windows < count) & (windows * stride + size > (np.arange(cells) + padding[0])[:, None])
    some = np.where(holds.any(axis=1), windows[np.arange(cells), holds.argmax(axis=1)], 0)
    return np.where(holds, windows, some[:, None])
