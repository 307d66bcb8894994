"""Images scaled as Pillow scales them, smoothed where they become smaller; and with what weights it does."""

import functools

import numpy as np
from PIL import Image

WEIGHT_BITS = 22  # of Pillow's weights behind the point
MOST_AXES = 256  # of sizes, whose weights are kept: those of some fourteen sizes of images


def scale(pixels: np.ndarray, size) -> np.ndarray:
    """Returns an image at another size: [H, W, C] uint8 -> [h, w, C] uint8.

    Args:
        pixels: the image.
        size: (h, w).
    """
    height, width = size
    image = Image.fromarray(pixels.squeeze(axis=2) if pixels.shape[2] == 1 else pixels)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)).reshape(height, width, -1)


@functools.lru_cache(MOST_AXES)
def axis_weights(before: int, after: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns from what each pixel of a scaled row or column is summed, as Pillow's bilinear resampling does.

    Args:
        before: pixels of the row or column.
        after: pixels of the scaled one.

    Returns:
        first: [after] int32, the first pixel of each sum.
        weights: [after, taps] int32, in units of 2 ** -`WEIGHT_BITS`.
    """
    if before == after:
        return np.arange(after, dtype=np.int32), np.full((after, 1), 1 << WEIGHT_BITS, np.int32)
    ratio = before / after
    support = max(ratio, 1.0)
    center = (np.arange(after) + 0.5) * ratio
    begin = np.maximum(center - support + 0.5, 0).astype(np.int32)
    end = np.minimum(center + support + 0.5, before).astype(np.int32)
    taps = int((end - begin).max())
    first = np.minimum(begin, before - taps)  # all sums are of as many pixels, some of which weigh nothing
    pixels = first[:, None] + np.arange(taps)
    weights = np.maximum(1 - np.abs((pixels - center[:, None] + 0.5) * (1 / support)), 0)
    weights[(pixels < begin[:, None]) | (pixels >= end[:, None])] = 0
    total = np.cumsum(weights, axis=1)[:, -1:]  # one after another, as Pillow adds them
    return first.astype(np.int32), (weights / total * (1 << WEIGHT_BITS) + 0.5).astype(np.int32)
