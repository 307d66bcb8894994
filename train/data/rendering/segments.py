"""Seven-segment digits: which segments each one lights, and how segments are shaped and set in a row."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

# a on top, then clockwise b to f, and g in the middle.
LIT = ("abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg")
ALL = "abcdefg"
WIDTHS, SQUEEZED, IS_SQUEEZED = (0.4, 0.95), (0.95, 1.7), 0.3  # of a digit, that of a picture made lower, and its share
USUAL, WIDE, WIDELY_SET = (1.15, 1.6), (1.6, 2.2), 0.25  # pitches in widths of a digit, share of the wider ones
FRACTION = 4  # bits of a pixel that OpenCV draws polygons to


@dataclass(frozen=True)
class Segments:
    """The shape of a display's digits; lengths in heights of a digit.

    Attributes:
        width: of a digit.
        pitch: from a digit to the next.
        stroke: thickness of a segment.
        gap: between segments, at each end of one.
        blunt: 0 for segments with mitred ends, 1 for straight ones.
        point: where the ends in the middle are pointed: 0 at the outer border, 0.5 in the middle of the stroke.
        slant: how far the top leans to the right.
        hooked: whether a 7 has its upper left segment.
        tailless: whether a 6 and a 9 lack their outer bar.
    """

    width: float
    pitch: float
    stroke: float
    gap: float
    blunt: float
    point: float
    slant: float
    hooked: bool = False
    tailless: bool = False

    def lit(self, digit: int) -> str:
        """Returns the names of the segments that a digit lights."""
        if self.hooked and digit == 7:
            return "abcf"
        if self.tailless and digit in (6, 9):
            return LIT[digit].replace("a" if digit == 6 else "d", "")
        return LIT[digit]

    def polygons(self) -> dict[str, np.ndarray]:
        """Returns the corners [n, 2] of each segment, (x, y) in heights of a digit from its upper left corner."""
        w, t, g, cut = self.width, self.stroke, self.gap, self.blunt * self.stroke
        half, tip, inner = 0.5 - g, 0.5 - self.stroke / 2 - g, self.point * self.stroke
        outer = tip if self.point else half
        top = np.array([(cut + g, 0), (w - cut - g, 0), (w - t - g, t), (t + g, t)])
        left = np.array([(0, cut + g), (t, t + g), (t, tip), (inner, half), (0, outer)])
        ends = (inner + g, 0.5), (w - inner - g, 0.5)
        up, down = 0.5 - t / 2, 0.5 + t / 2
        middle = np.array([ends[0], (t + g, up), (w - t - g, up), ends[1], (w - t - g, down), (t + g, down)])
        right, below = left * (-1, 1) + (w, 0), (1, -1)
        made = {"a": top, "f": left, "b": right, "g": middle}
        made |= {name: made[other] * below + (0, 1) for name, other in (("d", "a"), ("e", "f"), ("c", "b"))}
        return {name: corners + (1 - corners[:, 1:]) * (self.slant, 0) for name, corners in made.items()}


def draw_segments(rng) -> Segments:
    """Returns the shape of a random display's digits."""
    width = math.exp(rng.uniform(*np.log(SQUEEZED if rng.random() < IS_SQUEEZED else WIDTHS)))
    stroke = min(rng.uniform(0.06, 0.18), 0.26 * width)
    pitch = rng.uniform(*WIDE) if rng.random() < WIDELY_SET and width < WIDTHS[1] else rng.uniform(*USUAL)
    return Segments(
        width,
        pitch=width * pitch + 0.04,
        stroke=stroke,
        gap=rng.choice((0, 0.006, 0.015, 0.03)),
        blunt=rng.uniform(0, 0.8) if rng.random() < 0.4 else 0.0,
        point=0.5 if rng.random() < 0.6 else 0.0,
        slant=rng.uniform(0, 0.22 * max(width, 0.7) / 0.7) if rng.random() < 0.6 else 0.0,
        hooked=rng.random() < 0.25,
        tailless=rng.random() < 0.08,
    )


@dataclass(frozen=True)
class Row:
    """Digits in a row, in pixels.

    Attributes:
        lit: uint8 [h, w], 255 where segments are lit.
        ghosts: uint8 [h, w], 255 where there are segments, lit or not, in the digits and in blank places before them.
        boxes: float32 [n, 4], (left, top, right, bottom) of each digit's lit segments.
    """

    lit: np.ndarray
    ghosts: np.ndarray
    boxes: np.ndarray


def set_row(
    segments: Segments,
    label,
    height: float,
    *,
    blanks: int = 0,
    point_after: int = 0,
    small_after: int = 0,
    small: float = 1.0,
    raised: bool = False,
):
    """Returns a number's digits, about `height` pixels high, as a `Row`.

    Args:
        height: of a digit, in pixels.
        blanks: places before the first digit that show nothing but ghosts.
        point_after: after how many digits there is a decimal point; 0 for none.
        small_after: after how many digits smaller ones follow; 0 for none.
        small: height of those, in heights of the others.
        raised: whether they stand at the top of the row and not at its bottom.
    """
    heights = [height * (small if small_after and i >= small_after else 1.0) for i in range(len(label))]
    lefts = np.cumsum([0.0] + [segments.pitch * h for h in [height] * blanks + heights]) + 1
    shapes = segments.polygons()
    lit, ghosts, boxes = [], [], []
    for left in lefts[:blanks]:
        ghosts += [shape * height + (left, 1) for shape in shapes.values()]
    for left, digit, high in zip(lefts[blanks:], label, heights):
        placed = {name: shape * high + (left, 1 + (0 if raised else height - high)) for name, shape in shapes.items()}
        ghosts += placed.values()
        lit += [placed[name] for name in segments.lit(digit)]
        points = np.concatenate([placed[name] for name in segments.lit(digit)])
        boxes.append((*points.min(axis=0), *points.max(axis=0)))
    if point_after:
        lit.append(_point(segments, lefts[blanks + point_after - 1], height))
    across = max(float(polygon[:, 0].max()) for polygon in ghosts + lit)
    shape = math.ceil(height) + 2, math.ceil(across) + 2
    mask = _filled(shape, lit)
    return Row(mask, np.maximum(_filled(shape, ghosts), mask), np.array(boxes, np.float32))


def _point(segments: Segments, left: float, height: float) -> np.ndarray:
    """Returns the corners of a decimal point to the lower right of the digit that begins at `left`."""
    room = max(segments.pitch - segments.width, 0.08)
    side = min(1.2 * segments.stroke, 0.8 * room) * height
    x, y = left + (segments.width + 0.5 * room) * height - side / 2, 1 + height - side
    return np.array([(x, y), (x + side, y), (x + side, y + side), (x, y + side)])


def _filled(shape, polygons) -> np.ndarray:
    """Returns a mask uint8 of `shape` (h, w), 255 inside polygons of corners (x, y) in pixels."""
    mask = np.zeros(shape, np.uint8)
    scaled = [np.round((polygon - 0.5) * 2**FRACTION).astype(np.int32) for polygon in polygons]
    cv2.fillPoly(mask, scaled, 255, cv2.LINE_AA, FRACTION)  # OpenCV's pixels have their middles at integers
    return mask
