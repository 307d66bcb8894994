"""Pictures to cut training windows from: a number of any kind, large in the picture, and what may be around it."""

import math
from functools import partial

import cv2
import numpy as np

from train.data.rendering import camera, surroundings
from train.data.rendering.layout import LENGTHS, draw_length
from train.data.rendering.lookalikes import lookalikes
from train.data.rendering.paint import resized
from train.data.rendering.scenes import Rendering
from train.data.rendering.styles import draw_maker
from train.data.rendering.subjects import Subject
from train.data.rendering.typefaces import draw_type_face

SIZE = (96, 192)  # (height, width)
HEIGHTS = (0.2, 0.75)  # of a number, in heights of the picture
LARGEST_HEIGHT, LARGEST_WIDTH = 0.85, 0.85  # of a number on a slope or an arc, in sides of the picture
BORDER = 0.15  # of a scene around its picture, in sides of the picture
LOW_RESOLUTION = 0.45  # share of pictures that are enlarged from a photograph with small digits
CLEAR = ("sign",)  # kinds that are seen from afar half as often


def render_scene(
    rng, size=SIZE, split: str = "train", *, lengths=LENGTHS, styles=None, heights=HEIGHTS, painted: bool = True
) -> Rendering:
    """Returns a picture with a number near its middle, and around it what a house front has.

    Args:
        size: (height, width) of the image.
        split: whose type faces are used: "train", "validation" or "test".
        lengths: the shares of numbers with 1, 2, ... digits.
        styles: the share of each kind of number by its length, as `styles.SHARES`, which it is unless said otherwise.
        heights: the least and the largest height of digits, in heights of the picture.
        painted: whether the number is there. Without it the same picture has an empty label: all but the digits is the
            same, to the bit.
    """
    subject, height = _fitting(rng, size, split, lengths, styles, heights)
    shape, corner = _place(rng, subject, height, size)
    surface = surroundings.wall(rng, shape, height, rng.uniform(20, 235))
    draw_face = partial(draw_type_face, rng, split)
    surroundings.facade(rng, surface, height, draw_face)
    rows, columns = subject.shape
    across, up = round(0.4 * height), round(0.2 * height)
    keep = corner[0] - across, corner[1] - up, corner[0] + columns + across, corner[1] + rows + up
    lookalikes(rng, surface, height, draw_face, keep)
    subject.paint(rng, surface, corner, painted)

    matrix, boxes = _view(rng, subject.boxes + corner * 2, shape, size)
    picture = camera.exposed(rng, camera.warp(surface, matrix, size))
    made = Rendering(
        _taken(rng, picture, height, subject.style), subject.label, boxes.astype(np.float32), subject.style
    )
    return made if painted else made.without_number()


def _fitting(rng, size, split: str, lengths, styles, heights) -> tuple[Subject, float]:
    """Returns a number that is not too wide for a picture of `size`, and the height of its digits."""
    length = draw_length(rng, lengths)
    make = draw_maker(rng, length, styles)
    height, seed = size[0] * math.exp(rng.uniform(*np.log(heights))), rng.integers(2**32)
    subject = make(np.random.default_rng(seed), split, length, height)
    excess = max(subject.shape[1] / size[1] / LARGEST_WIDTH, subject.shape[0] / size[0] / LARGEST_HEIGHT)
    if excess <= 1:
        return subject, height
    return make(np.random.default_rng(seed), split, length, height / excess), height / excess


def _place(rng, subject: Subject, height: float, size) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns the (height, width) of a scene with a border for the view to be turned in, and the number's corner."""
    rows, columns = subject.shape
    border = round(BORDER * size[0]), round(BORDER * size[1])
    free = np.maximum(np.array([size[1] - columns, size[0] - rows]) / 2, 0)
    middle = np.array([size[1] - columns, size[0] - rows]) / 2 + border[::-1]
    corner = np.round(middle + np.clip(rng.normal(0, 0.45, 2), -1, 1) * free).astype(int)
    return (size[0] + 2 * border[0], size[1] + 2 * border[1]), tuple(corner.tolist())


def _view(rng, boxes, shape, size):
    """Returns a homography from a scene of `shape` to a picture of `size`, and the digits' boxes in that.

    The whole number is in the picture: it is moved there, and shrunk where it would not fit.
    """
    border = (shape[1] - size[1]) / 2, (shape[0] - size[0]) / 2
    spread = 0.8 if rng.random() < 0.85 else 2.0
    matrix = camera.translation(-border[0], -border[1]) @ camera.view(rng, (shape[1] / 2, shape[0] / 2), spread)
    seen = camera.seen_boxes(matrix, boxes)
    extent = seen[:, 2:].max(axis=0) - seen[:, :2].min(axis=0)
    scale = min(1.0, 0.96 * float((size[::-1] / extent).min()))
    if scale < 1:
        matrix = np.diag([scale, scale, 1]) @ matrix
        seen = seen * scale
    left, top = np.minimum(seen[:, :2].min(axis=0), 0)
    right, bottom = np.maximum(seen[:, 2:].max(axis=0), size[::-1]) - size[::-1]
    return camera.translation(-left - right, -top - bottom) @ matrix, seen - (left + right, top + bottom) * 2


def _taken(rng, picture, height: float, style: str):
    """Returns a picture float32 [h, w] as a camera would keep it, uint8: near by, or from afar and then enlarged."""
    native = min(max(math.exp(rng.normal(math.log(24), 0.4)), 11), 64)
    if native >= height or rng.random() > LOW_RESOLUTION * (0.5 if style in CLEAR else 1.0):
        return camera.photograph(rng, picture, min(height, 32))
    small = tuple(max(8, round(side * native / height)) for side in picture.shape)
    made = camera.photograph(rng, resized(picture, small), native)
    return cv2.resize(made, picture.shape[::-1], interpolation=cv2.INTER_CUBIC)
