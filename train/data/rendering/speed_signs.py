"""Speed limits: two or three digits in a ring on a round sign, by day and by night."""

import math

import cv2
import numpy as np

from train.data.rendering.layout import set_line
from train.data.rendering.paint import cloud
from train.data.rendering.subjects import Panel, Subject, panel_subject
from train.data.rendering.surroundings import write_text
from train.data.rendering.typefaces import draw_plain_face

TENS = 0.75  # share of signs with a multiple of ten, as nearly all are
ANGULAR = 0.12  # share of upright signs with words, as in America
FRACTION = 4  # bits of a pixel that OpenCV draws circles to


def speed_limit(rng, split: str, length: int, height: float) -> Subject:
    """Returns a number on a traffic sign, its digits `height` pixels high."""
    label = tuple(rng.integers(10, size=length).tolist())
    if length > 1 and rng.random() < TENS:
        label = (1 if length == 3 else max(label[0], 1), *label[1:-1], 0)
    face = draw_plain_face(rng, split)
    number = set_line(face, label, height, stretch=math.exp(rng.normal(-0.15, 0.12)), tracking=rng.normal(0.03, 0.04))
    rows, columns = number.ink.shape
    light, dark = rng.uniform(150, 255), rng.uniform(5, 60)
    words = rng.random() < ANGULAR
    bare, coverage, middle = (_board if words else _disc)(rng, (rows, columns), height, light, dark, face)
    corner = round(middle[0] - columns / 2), round(middle[1] - rows / 2)
    painted = bare.copy()
    mask = number.ink.astype(np.float32) / 255
    window = painted[corner[1] : corner[1] + rows, corner[0] : corner[0] + columns]
    window += (dark - window) * mask
    night = rng.uniform(0.12, 0.6) if rng.random() < 0.4 else 1.0
    panel = Panel(painted * night, bare * night, coverage, corner)
    return panel_subject("speed_limit", label, number.boxes, panel)


def _disc(rng, shape, height: float, light: float, dark: float, face):
    """Returns the empty round sign float32 [h, w], its coverage, and its middle (x, y)."""
    ring, border = rng.uniform(0.2, 0.32), rng.uniform(0.02, 0.08)  # of the radius
    inner = max(math.hypot(*shape) / 2 * rng.uniform(0.98, 1.15), 0.95 * height)
    radius = inner / (1 - ring - border)
    side = math.ceil(2 * radius) + 3
    middle = side / 2, side / 2
    below = round(radius * rng.uniform(0, 2)) if rng.random() < 0.6 else 0
    bare, coverage = np.full((side + below, side), light, np.float32), np.zeros((side + below, side), np.uint8)
    if below:  # its post, and sometimes a smaller sign under it
        wide, tone = max(1, round(radius * rng.uniform(0.06, 0.15))), rng.uniform(20, 220)
        columns = slice(side // 2 - wide // 2, side // 2 - wide // 2 + wide)
        coverage[side - 2 :, columns], bare[side - 2 :, columns] = 255, tone
        if rng.random() < 0.3:
            columns = slice(round(0.2 * side), round(0.8 * side))
            coverage[side + 2 : side + round(0.6 * radius), columns] = 255
            bare[side + 2 : side + round(0.6 * radius), columns] = light * rng.uniform(0.6, 1)
    _circle(coverage, middle, radius)
    rim = np.zeros_like(coverage)
    _circle(rim, middle, radius * (1 - border))
    hole = np.zeros_like(coverage)
    _circle(hole, middle, inner)
    red = dark + (light - dark) * rng.uniform(0.1, 0.65)  # a red ring is nearly as dark as the digits, or half as light
    bare += (red - light) * (rim.astype(np.float32) - hole) / 255
    bare *= 1 + cloud(rng, bare.shape, 3) * rng.uniform(0, 0.05)
    return bare, coverage.astype(np.float32) / 255, middle


def _circle(mask, middle, radius: float):
    centre = tuple(round((value - 0.5) * 2**FRACTION) for value in middle)
    cv2.circle(mask, centre, round(radius * 2**FRACTION), 255, -1, cv2.LINE_AA, FRACTION)


def _board(rng, shape, height: float, light: float, dark: float, face):
    """Returns the same of an upright sign with words above the number."""
    wide = max(shape[1] + round(0.5 * height), round(1.7 * height))
    above, below = round(height * rng.uniform(0.9, 1.4)), round(height * rng.uniform(0.2, 0.6))
    bare = np.full((above + shape[0] + below, wide), light, np.float32)
    for row, word in enumerate(("SPEED", "LIMIT")[: int(rng.integers(1, 3))]):
        write_text(bare, face, (0.12 * wide, above * (0.15 + 0.4 * row)), above * 0.28, dark, word)
    line = max(1, round(0.05 * height))
    cv2.rectangle(bare, (line, line), (wide - 1 - line, len(bare) - 1 - line), dark, line)
    return bare, np.ones(bare.shape, np.float32), (wide / 2, above + shape[0] / 2)
