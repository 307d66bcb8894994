"""Draws a number, and sets its digits on their line: spacing, slope, arc, digits hung by hand."""

import functools
import math
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate

import cv2
import numpy as np

from train.data.rendering.paint import resized
from train.data.rendering.typefaces import CAPITAL, TypeFace, glyph

# Shares among the 33,402 training photographs of SVHN.
LENGTHS = (0.1538, 0.5428, 0.2602, 0.0429, 0.0003)  # of numbers with 1, 2, ... 5 digits
MAX_DIGITS = 8  # of a number: meters have so many
FIRST_DIGIT = (0.0025, 0.2767, 0.1892, 0.1302, 0.1051, 0.0847, 0.0645, 0.0562, 0.0475, 0.0434)
OTHER_DIGITS = (0.1185, 0.1111, 0.1017, 0.1011, 0.0984, 0.1015, 0.0922, 0.0959, 0.0926, 0.0870)

NARROW = -0.2  # mean logarithm of a digit's width beside that in its type face: numbers on houses are seen narrower


@dataclass(frozen=True)
class Number:
    """Digits set in their places: ink uint8 [h, w], and of each (left, top, right, bottom), float32, in it."""

    label: tuple[int, ...]
    ink: np.ndarray
    boxes: np.ndarray


def draw_length(rng, lengths=LENGTHS) -> int:
    """Returns how many digits a random number has; `lengths` are the shares of 1, 2, ... digits."""
    return 1 + _choice(rng, lengths)


def draw_digits(rng, length: int) -> tuple[int, ...]:
    """Returns the digits of a random number of that length, as often as they are on houses."""
    return _choice(rng, FIRST_DIGIT), *(_choice(rng, OTHER_DIGITS) for _ in range(length - 1))


def draw_label(rng, lengths=LENGTHS) -> tuple[int, ...]:
    """Returns the digits of a random number, as often as they are on houses; of lengths as `draw_length` draws them."""
    return draw_digits(rng, draw_length(rng, lengths))


@dataclass(frozen=True)
class Lines:
    """How often a number's line is not straight and level.

    Attributes:
        sloping: share of numbers whose digits stand upright, each higher or lower than the one before.
        steepest: slope of such a line.
        arched: share of numbers on an arc.
        loose: share of numbers whose digits are turned each by itself.
        turned: share of numbers that are turned as a whole.
        widest: angle in degrees of such a turn.
    """

    sloping: float = 0.1
    steepest: float = 0.6
    arched: float = 0.1
    loose: float = 0.1
    turned: float = 0.0
    widest: float = 0.0


USUAL = Lines()
UNEVEN = Lines(sloping=0.16, steepest=1.0, turned=0.07, widest=38.0)  # as in training, where they cost little


def set_number(rng, face: TypeFace, label, height: float, lines: Lines = USUAL) -> Number:
    """Returns a number set in a type face, its digits about `height` pixels high, on a line that may be uneven."""
    size, stretch = float(CAPITAL), math.exp(rng.normal(NARROW, 0.12))
    tracking = size * (rng.uniform(0.15, 0.5) if rng.random() < 0.08 else rng.normal(0.02, 0.05))
    jitter = size * (0.05 if rng.random() < 0.12 else 0.012)
    pieces, pen = [], 0.0
    for digit in label:
        shape = glyph(face, str(digit))
        pieces.append((shape.mask, pen + shape.left, shape.top + rng.normal(0, jitter)))
        pen += max(shape.advance + tracking / stretch, 0.98 * shape.mask.shape[1])
    ink, boxes = _assemble(_bend(rng, pieces, size, lines))
    return _scaled(label, ink, boxes, height / CAPITAL, stretch)


def set_line(face: TypeFace, label, height: float, stretch: float, tracking: float, gap=(0, 0.0)) -> Number:
    """Returns a number set evenly on a straight line, as printed.

    Args:
        height: of a digit, in pixels.
        stretch: width of a digit beside that in its type face.
        tracking: what is added between two digits, in heights of a digit.
        gap: (after how many digits, how much more is added there).
    """
    pieces, pen = [], 0.0
    for place, digit in enumerate(label):
        shape = glyph(face, str(digit))
        if place and place == gap[0]:
            pen += gap[1] * CAPITAL / stretch
        pieces.append((shape.mask, pen + shape.left, shape.top))
        pen += max(shape.advance + tracking * CAPITAL / stretch, 0.98 * shape.mask.shape[1])
    return _scaled(label, *_assemble(pieces), height / CAPITAL, stretch)


def _scaled(label, ink, boxes, scale: float, stretch: float) -> Number:
    """Returns a number of `CAPITAL` pixels at another scale, and stretched sideways."""
    columns, rows = max(2, round(len(ink[0]) * scale * stretch)), max(3, round(len(ink) * scale))
    boxes = boxes * ((columns / len(ink[0]), rows / len(ink)) * 2)
    return Number(tuple(label), resized(ink, (rows, columns)), boxes.astype(np.float32))


def _bend(rng, pieces, height: float, lines: Lines):
    """Returns the pieces on a slope or an arc, or turned, each by itself or together; most numbers stay as they are."""
    kind = rng.random()
    if kind > lines.sloping + lines.arched + lines.loose + lines.turned or len(pieces) == 1:
        return pieces
    centres = np.array([left + mask.shape[1] / 2 for mask, left, _ in pieces])
    offsets = (centres - centres.mean()) / height
    angles, closer = np.zeros(len(pieces)), 1.0
    if kind < lines.sloping:
        falls = rng.uniform(-lines.steepest, lines.steepest) * offsets
    elif kind < lines.sloping + lines.arched:
        curvature = rng.uniform(-0.22, 0.22)
        falls, angles = curvature * offsets**2, -np.rad2deg(np.arctan(2 * curvature * offsets))
    elif kind < lines.sloping + lines.arched + lines.loose:
        falls, angles = np.zeros(len(pieces)), rng.normal(0, 5, len(pieces))
    else:
        turn = rng.uniform(-lines.widest, lines.widest)
        falls, angles, closer = math.sin(math.radians(turn)) * offsets, angles - turn, math.cos(math.radians(turn))
    shifts = (closer - 1) * offsets * height
    turned = [_turned(mask, angle) for (mask, _, _), angle in zip(pieces, angles)]
    return [
        (new, left + x - (new.shape[1] - old.shape[1]) / 2, top - (new.shape[0] - old.shape[0]) / 2 + fall * height)
        for new, (old, left, top), x, fall in zip(turned, pieces, shifts, falls)
    ]


def _turned(mask, angle: float) -> np.ndarray:
    if not angle:
        return mask
    size = np.array(mask.shape[::-1])
    matrix = cv2.getRotationMatrix2D((size - 1) / 2, angle, 1)
    room = np.ceil(np.abs(matrix[:, :2]) @ size)
    matrix[:, 2] += (room - size) / 2
    return cv2.warpAffine(mask, matrix, room.astype(int))


def _assemble(pieces) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ink of masks in their places, and their boxes in it."""
    left, top = (min(round(piece[axis]) for piece in pieces) for axis in (1, 2))
    corners = [(round(x) - left, round(y) - top) for _, x, y in pieces]
    boxes = [(x, y, x + mask.shape[1], y + mask.shape[0]) for (mask, _, _), (x, y) in zip(pieces, corners)]
    ink = np.zeros((max(box[3] for box in boxes), max(box[2] for box in boxes)), np.uint8)
    for (mask, _, _), (x, y, right, bottom) in zip(pieces, boxes):
        window = ink[y:bottom, x:right]
        np.maximum(window, mask, out=window)
    return ink, np.array(boxes, np.float32)


def _choice(rng, shares) -> int:
    """Returns an index, drawn by shares that sum to one but for rounding."""
    return min(bisect(_thresholds(shares), rng.random()), len(shares) - 1)


@functools.cache
def _thresholds(shares) -> list[float]:
    return list(accumulate(shares))
