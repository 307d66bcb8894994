"""Cut the selected patches out of an image, and put their vectors back into the map: numpy, one image at a time."""

import numpy as np


class PatchCutter:
    """Cuts patches at cells out of images of one size; zero where a patch reaches beyond the image.

    Args:
        image_size: (height, width) in pixels.
        map_size: (height, width) in cells.
        origin: (row, column) of the first pixel of the patch of cell (0, 0); may be negative.
        stride: (vertical, horizontal) distance of the patches of neighbouring cells.
        patch_size: (height, width) in pixels.
    """

    def __init__(self, image_size, map_size, origin, stride, patch_size):
        self.origin, self.stride, self.patch_size = tuple(origin), tuple(stride), tuple(patch_size)
        ends = [o + (n - 1) * s + p for o, n, s, p in zip(origin, map_size, stride, patch_size)]
        self.padding = [(max(0, -o), max(0, end - n)) for o, end, n in zip(origin, ends, image_size)]
        self.needs_padding = any(map(any, self.padding))

    def starts(self, cells) -> np.ndarray:
        """Returns (row, column) of the first pixel of the cells' patches, in the image: [k, 2] -> [k, 2]."""
        return np.asarray(cells) * self.stride + self.origin

    def cut(self, image, cells) -> np.ndarray:
        """Returns the patches of the cells: [H, W, C], [k, 2] -> [k, p, p, C]."""
        if self.needs_padding:
            image = np.pad(image, [*self.padding, (0, 0)])
        windows = np.lib.stride_tricks.sliding_window_view(image, self.patch_size, axis=(0, 1))  # [.., .., C, p, p]
        starts = self.starts(cells) + np.array([before for before, _ in self.padding])
        return np.ascontiguousarray(windows[starts[:, 0], starts[:, 1]].transpose(0, 2, 3, 1))


def assemble(coarse_features, fine_features, cells) -> np.ndarray:
    """Returns the refined map: the fine vector where a cell was selected, the coarse vector elsewhere.

    [h, w, D], [k, D], [k, 2] -> [h, w, D]; the coarse map is left as it is.
    """
    refined = coarse_features.copy()
    refined[cells[:, 0], cells[:, 1]] = fine_features
    return refined
