"""Clear numbers on signs, doors and shops: thin to bold, narrow to wide, raised, lit from behind, worn."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from train.data.rendering import surroundings
from train.data.rendering.layout import Number, draw_digits, set_line
from train.data.rendering.paint import blend, cloud, ramp, shifted
from train.data.rendering.placing import box_of
from train.data.rendering.subjects import Subject
from train.data.rendering.typefaces import CAPITAL, TypeFace, draw_plain_face, draw_type_face, glyph

# Other characters of a sign, which are no part of its label. Most often such as look like digits.
MARKS_BEFORE = ("$", "$", "$", "#", "No", "+", "+", "-", "(", "/")
MARKS_AFTER = ("%", "%", "%", "%", ",", "-", ".", "$", "/", "A", "B", "a", "b", ")")
MARKS_BETWEEN = ("/", "/", "/", "-", "-", ".", ",", ":")
BEFORE, AFTER, BETWEEN = 0.16, 0.14, 0.14  # shares of signs with such characters there
PLATES = 0.55  # share of signs whose number stands on a plate of its own
WEIGHTS = (0.0, 0.0, 0.15, 0.5, 1.0, 1.0)  # of a variable face, between its lightest and its boldest


@dataclass(frozen=True)
class SignNumber:
    """Paints a number in large clear digits, and other characters of the sign with it."""

    number: Number
    face: TypeFace
    height: float
    mark: str = ""
    place: int = 0  # of the mark: how many digits stand before it

    def __call__(self, rng, surface, corner, painted: bool):
        box = box_of(self.number, corner)
        ground, value = _tones(rng)
        if rng.random() < PLATES:
            surroundings.plate(rng, surface, box, self.height, ground)
        else:
            _lay_ground(rng, surface, box, self.height, ground)
        around = round(1.3 * self.height)
        window, offset = _window(surface, box, around)
        rows, columns = window.shape
        digits, marks = np.zeros((rows, columns), np.uint8), np.zeros((rows, columns), np.float32)
        digits[offset[1] : offset[1] + box[3] - box[1], offset[0] : offset[0] + box[2] - box[0]] = self.number.ink
        if self.mark:
            self._mark(rng, marks, offset)
        if rng.random() < 0.07:
            _tiles(rng, window, self.number.boxes + offset * 2, self.height)
        mask = np.maximum(marks, digits.astype(np.float32) / 255 if painted else 0.0)
        paint_sign(rng, window, mask, value, self.height)

    def _mark(self, rng, marks, offset):
        """Draws the other characters before, after or between the digits into a mask; in place."""
        boxes, wide = self.number.boxes + offset * 2, _width(self.face, self.mark) * self.height
        if self.place == 0:
            left = boxes[0, 0] - wide - rng.uniform(0, 0.12) * self.height
        elif self.place == len(boxes):
            left = boxes[-1, 2] + rng.uniform(0.02, 0.2) * self.height
        else:
            left = (boxes[self.place - 1, 2] + boxes[self.place, 0] - wide) / 2
        surroundings.write_text(marks, self.face, (left, offset[1]), self.height, 1.0, self.mark)


def sign_number(rng, split: str, length: int, height: float) -> Subject:
    """Returns a number of so many digits as on clear signs, its digits `height` pixels high."""
    face = draw_plain_face(rng, split) if rng.random() < 0.9 else draw_type_face(rng, split, italic=0.5)
    if face.weight is not None:
        face = replace(face, weight=WEIGHTS[rng.integers(len(WEIGHTS))])
    stretch = math.exp(rng.normal(-0.02, 0.22))
    tracking = rng.uniform(0.15, 0.9) if rng.random() < 0.25 else rng.normal(0.04, 0.05)
    mark, place = _draw_mark(rng, length)
    inside = 0 < place < length
    gap = (place, _width(face, mark) + rng.uniform(-0.05, 0.15)) if inside else (0, 0.0)
    number = set_line(face, draw_digits(rng, length), height, stretch, tracking, gap)
    painter = SignNumber(number, face, height, mark, place)
    return Subject("sign", number.label, number.ink.shape, number.boxes, painter)


def _draw_mark(rng, length: int) -> tuple[str, int]:
    """Returns other characters of a sign with so many digits, and before which digit they stand; "" for none."""
    drawn = rng.random()
    if drawn < BEFORE:
        return MARKS_BEFORE[rng.integers(len(MARKS_BEFORE))], 0
    if drawn < BEFORE + AFTER:
        return MARKS_AFTER[rng.integers(len(MARKS_AFTER))], length
    if drawn < BEFORE + AFTER + BETWEEN and length > 1:
        return MARKS_BETWEEN[rng.integers(len(MARKS_BETWEEN))], int(rng.integers(1, length))
    return "", 0


def _width(face: TypeFace, text: str) -> float:
    """Returns the width of a line of text, in heights of a digit."""
    return sum(glyph(face, letter).advance for letter in text) / CAPITAL


def _window(surface, box, around: int):
    """Returns the part of a surface about a box, and the box's corner (x, y) in it."""
    left, top = max(box[0] - around, 0), max(box[1] - around, 0)
    return surface[top : box[3] + around, left : box[2] + around], (box[0] - left, box[1] - top)


def _tones(rng) -> tuple[float, float]:
    """Returns the brightness of the ground and of the digits: mostly far apart."""
    kind = rng.random()
    if kind < 0.35:  # white on black or blue
        return rng.uniform(5, 90), rng.uniform(180, 255)
    if kind < 0.7:  # black on white or yellow
        return rng.uniform(150, 255), rng.uniform(0, 80)
    contrast = rng.uniform(25, 90)
    darker = rng.uniform(10, 245 - contrast)
    return (darker, darker + contrast) if rng.random() < 0.5 else (darker + contrast, darker)


def _lay_ground(rng, surface, box, height: float, ground: float):
    """Makes the wall about a number as bright as asked for, with a grain of its own; in place."""
    around = round(height * rng.uniform(0.5, 2))
    left, top = max(box[0] - around, 0), max(box[1] - around, 0)
    window = surface[top : box[3] + around, left : box[2] + around]
    made = surroundings.wall(rng, window.shape, height, ground, rng.uniform(0.2, 1.5))
    window[:] = made


def _tiles(rng, window, boxes, height: float):
    """Draws a line between any two digits, as of a tile or a card for each; in place."""
    tone, line = rng.uniform(0, 255), max(1, round(0.04 * height))
    for x in (boxes[:-1, 2] + boxes[1:, 0]) / 2:
        x = round(float(x))
        top, bottom = round(boxes[:, 1].min() - 0.2 * height), round(boxes[:, 3].max() + 0.2 * height)
        window[max(top, 0) : bottom, x : x + line] = tone


def paint_sign(rng, surface, mask, value: float, height: float):
    """Paints digits on a surface as signs have them, in place.

    Args:
        surface: float32 [h, w], brightness 0 to 255.
        mask: float32 [h, w], one inside the strokes, with room around them.
        height: of a digit, in pixels.
    """
    kinds = (_flat, _flat, _flat, _graded, _embossed, _extruded, _lit_from_behind, _outlined, _textured)
    kinds[rng.integers(len(kinds))](rng, surface, mask, value, height)


def _flat(rng, surface, mask, value: float, height: float):
    """One even tone, sometimes over a soft shadow."""
    if rng.random() < 0.25:
        reach = max(1, round(0.06 * height))
        cast = cv2.GaussianBlur(mask, (0, 0), max(0.4, 0.04 * height))
        surface *= 1 - rng.uniform(0.2, 0.6) * shifted(cast, rng.integers(-reach, reach + 1), reach)
    blend(surface, mask, value)


def _graded(rng, surface, mask, value: float, height: float):
    """Lighter towards one end, or with a bright band across as polished metal has."""
    steps, contrast = ramp(len(surface))[:, None], abs(value - float(surface.mean()))
    reach = contrast * rng.uniform(0.15, 0.5)  # no part of a digit is as bright as its ground
    if rng.random() < 0.5:
        tone = value + steps * (reach if rng.random() < 0.5 else -reach)
    else:
        tone = value + reach * np.cos(steps * rng.uniform(3, 9) + rng.uniform(0, 6))
    blend(surface, mask, np.clip(tone, 0, 255))


def _embossed(rng, surface, mask, value: float, height: float):
    """Raised or sunk in the ground's own tone: light on one edge, shade on the other."""
    step = max(1, round(height * rng.uniform(0.015, 0.05)))
    dx, dy = ((1, 1), (-1, 1), (1, -1), (0, 1))[rng.integers(4)]
    soft = cv2.GaussianBlur(mask, (0, 0), 0.5 * step)
    slope = shifted(soft, dx * step, dy * step) - shifted(soft, -dx * step, -dy * step)
    if rng.random() < 0.5:
        blend(surface, mask * rng.uniform(0.1, 0.6), value)
    surface -= slope * rng.uniform(60, 150)


def _extruded(rng, surface, mask, value: float, height: float):
    """Letters of a block's depth, seen from the side."""
    depth = max(2, round(height * rng.uniform(0.05, 0.16)))
    dx, dy = ((1, 1), (-1, 1), (1, 0), (-1, 0), (0, 1))[rng.integers(5)]
    side = mask.copy()
    for step in range(1, depth + 1):
        np.maximum(side, shifted(mask, dx * step, dy * step), out=side)
    tone = value * rng.uniform(0.2, 0.7) if rng.random() < 0.7 else rng.uniform(0, 255)
    blend(surface, side, tone)
    blend(surface, mask, value)


def _lit_from_behind(rng, surface, mask, value: float, height: float):
    """Dark letters in a halo on the wall, or letters that glow."""
    halo = cv2.GaussianBlur(mask, (0, 0), height * rng.uniform(0.06, 0.2))
    surface *= rng.uniform(0.3, 0.9) if value > 128 else 1.0
    surface += halo * rng.uniform(80, 220)
    blend(surface, mask, rng.uniform(0, 30) if value < 128 else rng.uniform(230, 255))


def _outlined(rng, surface, mask, value: float, height: float):
    """With a border, or the border alone."""
    step = 2 * max(1, round(height * rng.uniform(0.02, 0.05))) + 1
    thick = cv2.dilate(mask, np.ones((step, step), np.uint8))
    if rng.random() < 0.4:
        blend(surface, thick - mask, value)
    else:
        blend(surface, thick, 255 - value if rng.random() < 0.6 else rng.uniform(0, 255))
        blend(surface, mask, value)


def _textured(rng, surface, mask, value: float, height: float):
    """Worn, spotted, brushed or of many small stones."""
    cells = max(4, round(max(mask.shape) / height * rng.uniform(3, 12)))
    spots = cloud(rng, mask.shape, cells)
    blend(surface, mask * np.clip(1.3 - rng.uniform(0.1, 0.5) * np.abs(spots), 0, 1), value + 20 * spots)
