"""The two kinds of pictures: tight crops, to train on, and photographs in which the number is a small part."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from train.data.rendering import camera, surroundings
from train.data.rendering.layout import LENGTHS, Number, draw_label, set_number
from train.data.rendering.placing import PLATES, box_of, neighbour, prepare, put, tones
from train.data.rendering.typefaces import draw_type_face

FACADES = 0.5  # share of crops with other things in them, per side of a tight crop that they are larger by


@dataclass(frozen=True)
class Framing:
    """How large numbers are in photographs.

    Attributes:
        shares: of photographs, from 0 to 1.
        heights: of a digit in pixels, the quantiles at these shares.
        largest: the shares of a photograph's height and width that a number takes at most.
        fitted: whether heights are drawn from those alone that are not too large; else what is larger is shrunk.
    """

    shares: tuple[float, ...]
    heights: tuple[float, ...]
    largest: tuple[float, float]
    fitted: bool

    def draw_height(self, rng, size) -> float:
        """Returns the height of digits for a photograph of (height, width)."""
        most = np.interp(self.largest[0] * size[0], self.heights, self.shares) if self.fitted else 1.0
        return float(np.interp(rng.random() * most, self.shares, self.heights))


# As in the 10,274 of SVHN's photographs that are 180 to 512 pixels wide. The height hardly depends on the width there.
STREET = Framing((0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95), (22, 24, 32, 44, 61, 78, 92), (0.45, 0.45), fitted=False)
# The same for photographs of any size, and on to numbers that nearly fill a large one.
ANYWHERE = Framing((0, 0.05, 0.25, 0.5, 0.75, 0.9, 1), (16, 20, 32, 44, 64, 110, 290), (0.45, 0.85), fitted=True)


@dataclass(frozen=True)
class Rendering:
    """A grey picture of a number: uint8 [H, W], and of each digit (left, top, right, bottom), float32, in pixels."""

    image: np.ndarray
    label: tuple[int, ...]
    boxes: np.ndarray
    style: str = "house"

    @property
    def box(self) -> np.ndarray:
        """float32 [4]: (left, top, right, bottom) of the whole number, as far as the image shows it; zeros if none."""
        if not self.label:
            return np.zeros(4, np.float32)
        height, width = self.image.shape
        corners = np.concatenate([self.boxes[:, :2].min(axis=0), self.boxes[:, 2:].max(axis=0)])
        return np.clip(corners, 0, (width, height) * 2)

    def without_number(self) -> "Rendering":
        """Returns the same image with nothing to read in it."""
        return Rendering(self.image, (), np.zeros((0, 4), np.float32), self.style)


def render_crop(rng, size, split: str = "train", looseness: float = 1.0, lengths=LENGTHS) -> Rendering:
    """Returns a number that fills its picture, as cut out of a photograph by a loose box and stretched to `size`.

    Args:
        size: (height, width) of the image.
        split: whose type faces are used: "train", "validation" or "test".
        looseness: the picture shows up to so many times as much in height and width, log-uniformly from 1.
        lengths: the shares of numbers with 1, 2, ... digits.
    """
    zoom = math.exp(rng.uniform(0, math.log(looseness)))
    shift = (rng.uniform(0.1, 0.9, 2) * (zoom - 1)).tolist()  # what is added to the left and above, in tight crops
    native = min(max(math.exp(rng.normal(math.log(27), 0.36)), 13), size[0] / zoom)  # height in the photograph
    height = min(max(native * 1.15, 16), 60)
    face = draw_type_face(rng, split)
    number = set_number(rng, face, draw_label(rng, lengths), height)
    rows, columns = number.ink.shape
    across, up = 0.25 * columns + 0.36 * height, 0.06 * columns + 0.4 * height
    room = columns + 2 * across, rows + 2 * up
    corner = round(across + shift[0] * room[0]), round(up + shift[1] * room[1])
    shape = math.ceil(room[1] * zoom), math.ceil(room[0] * zoom)
    ground, value = tones(rng)
    if rng.random() < FACADES * (zoom - 1):
        surface = surroundings.wall(rng, shape, height, rng.uniform(20, 235))
        surroundings.facade(rng, surface, height, lambda: draw_type_face(rng, split))
        value = prepare(rng, surface, box_of(number, corner), height, ground, value)
    elif rng.random() < PLATES:
        surface = surroundings.wall(rng, shape, height, rng.uniform(20, 235))
        surroundings.plate(rng, surface, box_of(number, corner), height, ground)
    else:
        surface = surroundings.wall(rng, shape, height, ground, min(abs(ground - value) / 85, 1.0))
    if rng.random() < 0.15:
        surroundings.clutter(rng, surface, height)
    if rng.random() < 0.15:
        neighbour(rng, surface, face, box_of(number, corner), height, value)
    put(rng, surface, number, corner, height, value)

    matrix = camera.view(rng, (shape[1] / 2, shape[0] / 2))
    boxes = camera.seen_boxes(matrix, number.boxes + corner * 2)
    left, top, right, bottom = _loose_window(rng, boxes)
    wide, high = right - left, bottom - top
    left, top, wide, high = left - shift[0] * wide, top - shift[1] * high, zoom * wide, zoom * high
    rows = round(native * zoom)
    small = rows, max(8, round(rows * wide / high))
    onto = np.diag([small[1] / wide, small[0] / high, 1]) @ camera.translation(-left, -top)
    picture = camera.photograph(rng, camera.warp(surface, onto @ matrix, small), native)
    image = np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))  # smooth at every scale
    scale = size[1] / wide, size[0] / high
    boxes = (boxes - (left, top, left, top)) * (scale * 2)
    return Rendering(image, number.label, boxes.astype(np.float32))


def render_photograph(
    rng, size, split: str = "test", *, lengths=LENGTHS, framing: Framing = STREET, painted: bool = True
) -> Rendering:
    """Returns a photograph of a house front in which the number takes about a fifth of the width.

    Args:
        size: (height, width) of the image, from 96 to 640 pixels a side.
        lengths: the shares of numbers with 1, 2, ... digits.
        painted: whether the number is there. Without it the same photograph has an empty label: all but the number is
            the same, to the bit.
    """
    face = draw_type_face(rng, split)
    number, height = _number_of_street(rng, face, size, draw_label(rng, lengths), framing)
    rows, columns = number.ink.shape
    border = round(0.1 * size[0]), round(0.1 * size[1])  # for the view to be turned in
    shape = size[0] + 2 * border[0], size[1] + 2 * border[1]
    free = np.maximum(np.array([size[1] - columns, size[0] - rows]) / 2 - 0.8 * height, 0)
    middle = np.array([shape[1] - columns, shape[0] - rows]) / 2
    corner = tuple(np.round(middle + np.clip(rng.normal(0, 0.5, 2), -1, 1) * free).astype(int).tolist())
    surface = surroundings.wall(rng, shape, height, rng.uniform(20, 235))
    surroundings.facade(rng, surface, height, lambda: draw_type_face(rng, split))
    value = prepare(rng, surface, box_of(number, corner), height, *tones(rng))
    # Without the number as much chance is used up, so that what follows is the same.
    put(rng, surface if painted else surface.copy(), number, corner, height, value)

    matrix = camera.translation(-border[1], -border[0]) @ camera.view(rng, (shape[1] / 2, shape[0] / 2), spread=0.6)
    boxes = camera.seen_boxes(matrix, number.boxes + corner * 2)
    left, top = np.minimum(boxes[:, :2].min(axis=0), 0)
    right, bottom = np.maximum(boxes[:, 2:].max(axis=0), size[::-1]) - size[::-1]
    matrix = camera.translation(-left - right, -top - bottom) @ matrix  # no digit is turned out of the picture
    boxes = boxes - (left + right, top + bottom) * 2
    picture = camera.photograph(rng, camera.warp(surface, matrix, size), min(height, 32))
    made = Rendering(picture, number.label, boxes.astype(np.float32))
    return made if painted else made.without_number()


def _number_of_street(rng, face, size, label, framing: Framing) -> tuple[Number, float]:
    """Returns a number, as high in a picture of `size` as they are in photographs, and its digits' height."""
    seed = rng.integers(2**32)
    height = framing.draw_height(rng, size)
    trial = set_number(np.random.default_rng(seed), face, label, height)
    excess = float((np.array(trial.ink.shape) / size / framing.largest).max())
    if excess <= 1:
        return trial, height
    return set_number(np.random.default_rng(seed), face, label, height / excess), height / excess


def _loose_window(rng, boxes):
    """Returns (left, top, right, bottom) of a crop around digits, as SVHN's are cut.

    Somebody framed the digits, tightly or loosely; the frame is the crop's whole height and about 70 % of its width.
    """
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    loose, height = rng.gamma(2, 0.055), bottom - top
    slack = [(loose * rng.uniform(*limits) - 0.03) * height for limits in ((0.4, 1.6), (0.5, 2.2)) * 2]
    left, top, right, bottom = left - slack[0], top - slack[1], right + slack[2], bottom + slack[3]
    before, after = (min(max(rng.normal(0.15, 0.05), 0.04), 0.28) for _ in range(2))
    width = (right - left) / (1 - before - after)
    return left - before * width, top, right + after * width, bottom
