"""Puts digits on a surface: painted flat, outlined, with a shadow, raised, engraved, hollow, worn."""

import functools
import math

import cv2
import numpy as np


def blend(surface, mask, value):
    """Covers `surface` [h, w] with `value` where `mask` [h, w] is one; in place."""
    surface += (value - surface) * mask


def stamp(surface, mask, corner, value):
    """Covers a surface as `blend` does with a smaller mask, its upper left corner at (x, y); what hangs over is cut."""
    x, y = corner
    left, top = max(x, 0), max(y, 0)
    window = surface[top : max(y + mask.shape[0], 0), left : max(x + mask.shape[1], 0)]
    rows, columns = window.shape
    seen = np.s_[top - y : top - y + rows, left - x : left - x + columns]
    if window.size:
        blend(window, mask[seen], value[seen] if np.ndim(value) else value)


def shifted(mask, dx: int, dy: int):
    """Returns `mask` [h, w] moved right by dx and down by dy; zeros come in."""
    moved = np.zeros_like(mask)
    height, width = mask.shape
    moved[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)] = mask[
        max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)
    ]
    return moved


def paint_number(rng, surface, ink, value: float, height: float):
    """Paints digits on a surface, in place.

    Args:
        surface: float32 [h, w], brightness 0 to 255.
        ink: uint8 [h, w], 255 inside the strokes, with room around them for outlines and shadows.
        height: of a digit, in pixels.
    """
    step = max(1, round(height * rng.uniform(0.02, 0.07)))
    mask = ink.astype(np.float32) / 255
    style = rng.random()  # of a hundred numbers 10 are outlined, 3 hollow, 22 raised or engraved; the rest is flat
    if rng.random() < 0.3:
        _shadow(rng, surface, mask, step, height)
    if style < 0.1:
        blend(surface, _grown(mask, step), rng.uniform(0, 255))
    elif style < 0.13 and height > 18:
        mask = _grown(mask, step) - mask
    if rng.random() < 0.12:
        mask = mask * _wear(rng, mask.shape)
    blend(surface, mask, value + _sheen(rng, mask.shape))
    if 0.2 < style < 0.42:
        dx, dy = 2 * rng.integers(2, size=2) - 1
        lit = shifted(mask, dx, dy) - shifted(mask, -dx, -dy)
        surface += lit * rng.uniform(15, 60)


def _shadow(rng, surface, mask, step: int, height: float):
    reach = rng.integers(1, 2 * step + 1)
    blurred = cv2.GaussianBlur(mask, (0, 0), height * rng.uniform(0.005, 0.04))
    cast = shifted(blurred, rng.integers(-reach, reach + 1), reach)
    surface *= 1 - rng.uniform(0.2, 0.7) * cast


def _grown(mask, step: int):
    """Returns the strokes [h, w], up to 3 pixels thicker on every side."""
    side = 2 * min(step, 3) + 1
    return cv2.dilate(mask, np.ones((side, side), np.uint8))


def _wear(rng, shape):
    """Returns [h, w]: one where the paint is still there, less where it has flaked off."""
    spots = cloud(rng, shape, 6)
    return np.clip(1.5 - np.abs(spots) * rng.uniform(0.3, 0.8), 0, 1)


def _sheen(rng, shape):
    """Returns [h, 1]: how much brighter the digits are towards their upper or lower end."""
    if rng.random() > 0.3:
        return 0.0
    return ramp(shape[0])[:, None] * rng.uniform(-35, 35)


@functools.cache
def ramp(count: int):
    """Returns `count` even steps from -1 to 1, float32, not to be written to."""
    steps = np.linspace(-1, 1, count, dtype=np.float32)
    steps.setflags(write=False)
    return steps


def cloud(rng, shape, cells: int):
    """Returns smooth noise float32 [h, w] of deviation about one, with `cells` swells along the longer side."""
    longer = max(shape)
    grid = tuple(max(2, round(cells * side / longer)) for side in shape)
    return resized(rng.standard_normal(grid, np.float32), shape)


def resized(picture, shape):
    """Returns a picture [h, w] at another (h, w): averaged where it shrinks, else interpolated."""
    shrinks = shape[0] <= picture.shape[0] and shape[1] <= picture.shape[1]
    return cv2.resize(picture, shape[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def noise(rng, shape):
    """Returns independent normal values float32 [h, w], not to be written to: from a random place of a long strip."""
    count = math.prod(shape)
    strip = _strip(max(20, count.bit_length() + 1))
    start = rng.integers(len(strip) - count)
    return strip[start : start + count].reshape(shape)


@functools.cache
def _strip(bits: int):
    """Returns 2 ** bits normal values: drawing new ones for every picture would take most of its time."""
    strip = np.random.default_rng(bits).standard_normal(2**bits, np.float32)
    strip.setflags(write=False)
    return strip
