"""Things that are taken for digits: posts, rings, hooks, grids of bars, and words in letters as high as digits."""

import math

import cv2
import numpy as np

from train.data.rendering.paint import stamp
from train.data.rendering.surroundings import LETTERS, write

ALL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # in words: an O alone may as well be a zero
OBJECTS = 0.45  # share of scenes with such objects
WORDS = 0.4  # share of scenes with words as large as the number


def lookalikes(rng, surface, height: float, draw_face, keep):
    """Draws a few such things on a surface, in place; none covers the box `keep`, and many lie just beside it.

    Args:
        surface: float32 [h, w].
        height: of the digits, in pixels.
        draw_face: a function that returns a type face to write a word in.
        keep: (left, top, right, bottom) that nothing may cover.
    """
    if rng.random() < OBJECTS:
        for _ in range(rng.integers(1, 4)):
            _object(rng, surface, height * rng.uniform(0.5, 1.5), keep)
    if rng.random() < WORDS:
        for _ in range(rng.integers(1, 3)):
            _word(rng, surface, height * rng.uniform(0.3, 1.1), draw_face(), keep)


def _object(rng, surface, height: float, keep):
    mask = OBJECT_KINDS[rng.integers(len(OBJECT_KINDS))](rng, max(6, round(height)))
    place = _free_place(rng, surface.shape, mask.shape, keep)
    if place:
        behind = surface[place[1] : place[1] + len(mask), place[0] : place[0] + mask.shape[1]]
        tone = float(behind.mean()) if behind.size else 128.0
        change = rng.uniform(25, 140)
        value = tone + change if (tone + change < 250) == (rng.random() < 0.5) else tone - change
        stamp(surface, mask.astype(np.float32) / 255, place, value)


def _word(rng, surface, height: float, face, keep):
    count = int(rng.integers(3, 9))
    room = round(1.3 * height), round(0.85 * count * height)
    place = _free_place(rng, surface.shape, room, keep)
    if place:
        letters = ALL_LETTERS if rng.random() < 0.7 else LETTERS
        write(rng, surface, face, place, height, rng.uniform(0, 255), letters, count)


def _free_place(rng, shape, room, keep):
    """Returns (x, y) for something of (height, width) `room` on a surface that does not touch `keep`; None if unlucky.

    Half of the tries lie beside `keep`, on its line or under it.
    """
    for _ in range(4):
        x, y = rng.uniform(-0.3 * room[1], shape[1]), rng.uniform(-0.3 * room[0], shape[0])
        if rng.random() < 0.5:
            if rng.random() < 0.6:
                x = keep[2] + rng.uniform(0, 0.5) * room[1] if rng.random() < 0.5 else keep[0] - room[1] * 1.05
                y = keep[1] + rng.normal(0, 0.2) * room[0]
            else:
                x = keep[0] + rng.normal(0, 0.3) * room[1]
                y = keep[3] + rng.uniform(0, 0.3) * room[0] if rng.random() < 0.6 else keep[1] - 1.05 * room[0]
        x, y = round(x), round(y)
        if x >= keep[2] or y >= keep[3] or x + room[1] <= keep[0] or y + room[0] <= keep[1]:
            return x, y
    return None


def _posts(rng, height: int):
    """One upright bar, or two or three."""
    width, count = max(2, round(height * rng.uniform(0.05, 0.28))), int(rng.choice((1, 1, 1, 2, 3)))
    pitch = width + max(2, round(height * rng.uniform(0.1, 0.6)))
    mask = np.zeros((round(height * rng.uniform(1, 3)), pitch * (count - 1) + width), np.uint8)
    for i in range(count):
        mask[:, i * pitch : i * pitch + width] = 255
    return mask


def _ring(rng, height: int):
    """A ring or a part of one: a lamp, a wheel, a handle, a hook."""
    stroke = max(1, round(height * rng.uniform(0.06, 0.2)))
    across, up = round(height * rng.uniform(0.25, 0.5)), height // 2
    mask = np.zeros((2 * (up + stroke) + 1, 2 * (across + stroke) + 1), np.uint8)
    start, sweep = (0, 360) if rng.random() < 0.5 else (rng.uniform(0, 360), rng.uniform(90, 300))
    middle = across + stroke, up + stroke
    cv2.ellipse(mask, middle, (across, up), rng.uniform(-15, 15), start, start + sweep, 255, stroke, cv2.LINE_AA)
    return mask


def _grid(rng, height: int):
    """The bars of a small window."""
    rows, columns = rng.integers(1, 4, 2)
    bar = max(1, round(height * rng.uniform(0.05, 0.15)))
    shape = height, round(height * rng.uniform(0.4, 1.2))
    mask = np.zeros(shape, np.uint8)
    for start in np.linspace(0, shape[0] - bar, rows + 1).astype(int):
        mask[start : start + bar] = 255
    for start in np.linspace(0, shape[1] - bar, columns + 1).astype(int):
        mask[:, start : start + bar] = 255
    return mask


def _strokes(rng, height: int):
    """Two or three straight strokes that meet: a bracket, a crack, an arrow, a roof."""
    points = rng.uniform(0.1, 0.9, (int(rng.integers(3, 5)), 2)) * (0.7 * height, height)
    mask = np.zeros((height, math.ceil(0.7 * height)), np.uint8)
    stroke = max(1, round(height * rng.uniform(0.06, 0.18)))
    cv2.polylines(mask, [points.astype(np.int32)], bool(rng.random() < 0.2), 255, stroke, cv2.LINE_AA)
    return mask


OBJECT_KINDS = (_posts, _posts, _ring, _ring, _grid, _strokes)
