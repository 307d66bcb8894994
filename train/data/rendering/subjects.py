"""Numbers ready to be put into a scene, whatever they are made of, and the usual ones: those of houses."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from train.data.rendering import surroundings
from train.data.rendering.layout import UNEVEN, Number, draw_digits, set_number
from train.data.rendering.paint import stamp
from train.data.rendering.placing import box_of, prepare, put, tones
from train.data.rendering.typefaces import TypeFace, draw_type_face

LETTER_BESIDE = 0.08  # share of house numbers with a letter, as in 12a


@dataclass(frozen=True)
class Subject:
    """A number that can be put into a scene.

    Attributes:
        shape: (height, width) of the digits together.
        boxes: float32 [len(label), 4], (left, top, right, bottom) of each digit, counted from the first one's corner.
        paint: a function: (rng, surface float32 [h, w], corner (x, y) of the digits, painted) -> None. It paints the
            number in place, and all that belongs to it; without the digits themselves where `painted` is false, and
            otherwise the same.
    """

    style: str
    label: tuple[int, ...]
    shape: tuple[int, int]
    boxes: np.ndarray
    paint: Callable


@dataclass(frozen=True)
class HouseNumber:
    """Paints a number straight on a wall, or on a plate."""

    number: Number
    face: TypeFace
    height: float

    def __call__(self, rng, surface, corner, painted: bool):
        box = box_of(self.number, corner)
        value = prepare(rng, surface, box, self.height, *tones(rng))
        if rng.random() < LETTER_BESIDE:
            left = box[2] + self.height * rng.uniform(0.05, 0.3)
            surroundings.write(rng, surface, self.face, (left, box[1]), self.height, value, surroundings.LETTERS)
        # Without the digits as much chance is used up, so that what follows is the same.
        put(rng, surface if painted else surface.copy(), self.number, corner, self.height, value)


def house_number(rng, split: str, length: int, height: float) -> Subject:
    """Returns a number of so many digits as on houses, its digits `height` pixels high."""
    face = draw_type_face(rng, split)
    number = set_number(rng, face, draw_digits(rng, length), height, UNEVEN)
    return Subject("house", number.label, number.ink.shape, number.boxes, HouseNumber(number, face, height))


@dataclass(frozen=True)
class Panel:
    """Covers a part of a scene with a picture of something that shows a number.

    Attributes:
        painted: float32 [h, w], with the number.
        bare: float32 [h, w], the same without it.
        coverage: float32 [h, w], one where the picture hides what is behind it.
        origin: (x, y) in the picture of the upper left corner of the digits together.
    """

    painted: np.ndarray
    bare: np.ndarray
    coverage: np.ndarray
    origin: tuple[int, int]

    def __call__(self, rng, surface, corner, painted: bool):
        x, y = (start - inset for start, inset in zip(corner, self.origin))
        stamp(surface, self.coverage, (x, y), self.painted if painted else self.bare)


def panel_subject(style: str, label, boxes, panel: Panel) -> Subject:
    """Returns the subject of a panel, whose boxes [n, 4] are counted from its `origin` and need not begin there."""
    left, top = np.floor(boxes[:, :2].min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(boxes[:, 2:].max(axis=0)).astype(int).tolist()
    panel = replace(panel, origin=(panel.origin[0] + left, panel.origin[1] + top))
    boxes = (boxes - (left, top) * 2).astype(np.float32)
    return Subject(style, tuple(label), (bottom - top, right - left), boxes, panel)
