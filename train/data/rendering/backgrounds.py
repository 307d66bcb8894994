"""Windows with nothing to read in them: house fronts beside a number, and numbers cut in two by the border."""

import math

import numpy as np
from PIL import Image

from train.data.rendering.scenes import render_photograph

PHOTOGRAPH = (192, 320)
SEEN = 0.5  # at most so much of a number's area lies in such a window
CLIPPED = 0.5  # share of the windows that hold a part of a number
TRIALS = 30


def render_backgrounds(rng, size, split: str, count: int) -> np.ndarray:
    """Returns uint8 [count, height, width]: windows of one photograph, none of which holds its number.

    Args:
        rng: numpy Generator.
        size: (height, width) of the windows.
        split: whose type faces are used.
        count: number of windows.
    """
    photograph = render_photograph(rng, PHOTOGRAPH, split)
    box = np.concatenate([photograph.boxes[:, :2].min(axis=0), photograph.boxes[:, 2:].max(axis=0)])
    windows = [_window(rng, size, box, rng.random() < CLIPPED) for _ in range(count)]
    picture = Image.fromarray(photograph.image)
    resized = [picture.resize(size[::-1], Image.Resampling.BILINEAR, box=tuple(window)) for window in windows]
    return np.stack([np.asarray(image) for image in resized])


def _window(rng, size, box, clipped: bool) -> np.ndarray:
    """Returns (left, top, right, bottom) of a window that holds a part of the box, or nothing of it if that is asked.

    Where luck fails, the corner farthest from the box is taken.
    """
    bounds = np.array(PHOTOGRAPH[::-1])
    for _ in range(TRIALS):
        sides = np.array(size[::-1]) * math.exp(rng.uniform(math.log(0.6), math.log(1.4)))
        corner = rng.uniform(box[:2] - sides, box[2:]) if clipped else rng.uniform(0, bounds - sides)
        corner = np.clip(corner, 0, bounds - sides)
        seen = seen_share(box, np.concatenate([corner, corner + sides]))
        if (0 < seen <= SEEN) if clipped else seen == 0:
            return np.concatenate([corner, corner + sides])
    sides = np.array(size[::-1]) * 0.6
    corner = np.where(box[:2] + box[2:] > bounds, 0, bounds - sides)
    return np.concatenate([corner, corner + sides])


def seen_share(box, window) -> float:
    """Returns the share of a box's area that lies in a window; both (left, top, right, bottom)."""
    sides = np.minimum(box[2:], window[2:]) - np.maximum(box[:2], window[:2])
    return float(np.prod(np.maximum(sides, 0)) / np.prod(box[2:] - box[:2]))
