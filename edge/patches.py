"""Cut the selected patches out of an image, and put their vectors back into the map: numpy, one image at a time."""

import numpy as np


class PatchCutter:
    """Cuts patches at cells out of images of one size; zero where a patch reaches beyond the image.

    Args:
        image_shape: (height, width, channels).
        map_size: (height, width) in cells.
        origin: (row, column) of the first pixel of the patch of cell (0, 0); may be negative.
        stride: (vertical, horizontal) distance of the patches of neighbouring cells.
        patch_size: (height, width) in pixels.
    """

    def __init__(self, image_shape, map_size, origin, stride, patch_size):
        before = [max(0, -first) for first in origin]
        ends = [o + (n - 1) * s + p for o, n, s, p in zip(origin, map_size, stride, patch_size)]
        height, width = (b + max(n, end) for b, n, end in zip(before, image_shape, ends))
        self._canvas = np.zeros((height, width, image_shape[2]), np.uint8)  # the image, and zeros around it
        self._inside = tuple(slice(b, b + n) for b, n in zip(before, image_shape))
        self._first, self._stride, self._patch_size = np.add(origin, before), tuple(stride), tuple(patch_size)
        self._pixels = np.add.outer(np.arange(patch_size[0]) * width, np.arange(patch_size[1])).ravel()

    def cut(self, image, cells) -> np.ndarray:
        """Returns the patches of the cells: [H, W, C] uint8, [k, 2] -> [k, p, p, C]."""
        self._canvas[self._inside] = image
        starts = cells * self._stride + self._first  # [k, 2]
        corners = starts[:, 0] * self._canvas.shape[1] + starts[:, 1]
        pixels = self._canvas.reshape(-1, self._canvas.shape[2])
        patches = pixels.take(corners[:, None] + self._pixels, axis=0)  # [k, p * p, C]
        return patches.reshape(len(cells), *self._patch_size, -1)


def assemble(coarse_features, fine_features, cells) -> np.ndarray:
    """Returns the refined map: the fine vector where a cell was selected, the coarse vector elsewhere.

    [h, w, D], [k, D], [k, 2] -> [h, w, D]; the coarse map is left as it is.
    """
    refined = coarse_features.copy()
    refined[cells[:, 0], cells[:, 1]] = fine_features
    return refined
