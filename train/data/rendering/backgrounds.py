"""Windows with nothing to read in them: house fronts beside a number, and numbers cut in two by the border."""

import math

import numpy as np
from PIL import Image

from train.data.rendering.scenes import Rendering, render_photograph

PHOTOGRAPH = (128, 224)  # (height, width) of what a window is cut from
ZOOM = (0.6, 1.4)  # sides of a window, in sides of the picture that it becomes
SEEN = 0.5  # at most so much of a number's area lies in such a window
CLIPPED = 0.5  # share of the windows that hold a part of a number
TRIALS = 30


def render_background(rng, size, split: str = "train") -> Rendering:
    """Returns a window of a photograph that does not hold its number: nothing of it, or as often a part.

    Args:
        rng: numpy Generator.
        size: (height, width) of the image.
        split: whose type faces are used: "train", "validation" or "test".

    Returns:
        A rendering with the image alone: the label is empty, and there is no box.
    """
    photograph = render_photograph(rng, PHOTOGRAPH, split)
    window = _window(rng, size, photograph.box, rng.random() < CLIPPED)
    picture = Image.fromarray(photograph.image)
    image = picture.resize(size[::-1], Image.Resampling.BILINEAR, box=tuple(window.tolist()))
    return Rendering(np.asarray(image), (), np.zeros((0, 4), np.float32))


def _window(rng, size, box, clipped: bool) -> np.ndarray:
    """Returns (left, top, right, bottom) of a window that holds a part of the box, or nothing of it if that is asked.

    Where luck fails, it is the corner that is farthest from the box.
    """
    bounds, full = np.array(PHOTOGRAPH[::-1]), np.array(size[::-1])
    for _ in range(TRIALS):
        sides = np.minimum(full * math.exp(rng.uniform(*np.log(ZOOM))), bounds)
        corner = rng.uniform(box[:2] - sides, box[2:]) if clipped else rng.uniform(0, bounds - sides)
        corner = np.clip(corner, 0, bounds - sides)
        window = np.concatenate([corner, corner + sides])
        seen = seen_share(box, window)
        if (0 < seen <= SEEN) if clipped else seen == 0:
            return window
    sides = np.minimum(full * ZOOM[0], bounds)
    corner = np.where(box[:2] + box[2:] > bounds, 0, bounds - sides)
    return np.concatenate([corner, corner + sides])


def seen_share(box, window) -> float:
    """Returns the share of a box's area that lies in a window; both (left, top, right, bottom)."""
    sides = np.minimum(box[2:], window[2:]) - np.maximum(box[:2], window[:2])
    return float(np.prod(np.maximum(sides, 0)) / np.prod(box[2:] - box[:2]))
