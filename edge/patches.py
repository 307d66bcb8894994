"""Views of windows: the patches of an image and the windows of a map are cut by indexing, with nothing computed."""

import numpy as np


def windows_of(canvas, first, stride, size, counts) -> np.ndarray:
    """Returns a view of the windows that lie on a canvas at a regular distance.

    Args:
        canvas: [H, W, C].
        first: (row, column) where the first window begins.
        stride: (vertical, horizontal) distance of neighbouring windows.
        size: (height, width) of a window.
        counts: (vertical, horizontal) number of windows.

    Returns:
        [*counts, *size, C].
    """
    windows = np.lib.stride_tricks.sliding_window_view(canvas, size, axis=(0, 1))  # [., ., C, height, width]
    places = tuple(slice(f, f + (n - 1) * s + 1, s) for f, s, n in zip(first, stride, counts))
    return np.moveaxis(windows[places], 2, 4)


class PatchCutter:
    """Cuts patches at cells out of images of one size; `zero` where a patch reaches beyond the image.

    Args:
        image_shape: (height, width, channels).
        map_size: (height, width) in cells.
        origin: (row, column) of the first pixel of the patch of cell (0, 0); may be negative.
        stride: (vertical, horizontal) distance of the patches of neighbouring cells.
        patch_size: (height, width) in pixels.
        dtype, zero: of the values.

    Attributes:
        image: [H, W, C]; the image is written into it.
    """

    def __init__(self, image_shape, map_size, origin, stride, patch_size, dtype=np.uint8, zero=0):
        before = [max(0, -first) for first in origin]
        ends = [o + (n - 1) * s + p for o, n, s, p in zip(origin, map_size, stride, patch_size)]
        height, width = (b + max(n, end) for b, n, end in zip(before, image_shape, ends))
        canvas = np.full((height, width, image_shape[2]), zero, dtype)
        self.image = canvas[tuple(slice(b, b + n) for b, n in zip(before, image_shape))]
        self._patches = windows_of(canvas, np.add(origin, before), stride, patch_size, map_size)

    def cut(self, cells) -> np.ndarray:
        """Returns the patches of cells: [k, 2] -> [k, p, p, C]."""
        return self._patches[cells[:, 0], cells[:, 1]]
