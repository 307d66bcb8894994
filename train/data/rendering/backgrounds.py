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
        size: (height, width) of the image.
        split: whose type faces are used: "train", "validation" or "test".

    Returns:
        A rendering with the image alone: the label is empty, and there is no box.
    """
    photograph = render_photograph(rng, PHOTOGRAPH, split)
    window = background_window(rng, photograph.box, PHOTOGRAPH, size)
    if window is None:  # the number is everywhere: an eighth of the photograph, in the corner that is farthest from it
        bounds = np.array(PHOTOGRAPH[::-1])
        corner = np.where(photograph.box[:2] + photograph.box[2:] > bounds, 0, bounds * 7 / 8)
        window = np.concatenate([corner, corner + bounds / 8])
    picture = Image.fromarray(photograph.image)
    image = picture.resize(size[::-1], Image.Resampling.BILINEAR, box=tuple(window.tolist()))
    return Rendering(np.asarray(image), (), np.zeros((0, 4), np.float32))


def background_window(rng, box, photograph_size, size) -> np.ndarray | None:
    """Returns (left, top, right, bottom) of a window that holds nothing of a number, or as often a part of it.

    Args:
        box: (left, top, right, bottom) of the number in its photograph.
        photograph_size: (height, width).
        size: (height, width) of a window, which may be larger or smaller by `ZOOM`.

    Returns:
        None where luck fails to find one: the number may be everywhere.
    """
    clipped = rng.random() < CLIPPED
    bounds, full = np.array(photograph_size[::-1]), np.array(size[::-1])
    for _ in range(TRIALS):
        sides = np.minimum(full * math.exp(rng.uniform(*np.log(ZOOM))), bounds)
        corner = rng.uniform(box[:2] - sides, box[2:]) if clipped else rng.uniform(0, bounds - sides)
        corner = np.clip(corner, 0, bounds - sides)
        window = np.concatenate([corner, corner + sides])
        seen = seen_share(box, window)
        if (0 < seen <= SEEN) if clipped else seen == 0:
            return window
    return None


def seen_share(box, window) -> float:
    """Returns the share of a box's area that lies in a window; both (left, top, right, bottom)."""
    sides = np.minimum(box[2:], window[2:]) - np.maximum(box[:2], window[:2])
    return float(np.prod(np.maximum(sides, 0)) / np.prod(box[2:] - box[:2]))
