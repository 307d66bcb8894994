"""A number's place on a wall: what is under it, how bright both are, and what stands beside it."""

import math

import numpy as np

from train.data.rendering import surroundings
from train.data.rendering.layout import Number
from train.data.rendering.paint import paint_number

PLATES = 0.35  # share of numbers on a plate


def prepare(rng, surface, box, height: float, ground: float, value: float) -> float:
    """Returns the brightness that digits in `box` get on a facade, after giving them a plate where they need one."""
    left, top, right, bottom = box
    behind = surface[top:bottom, left:right]
    if rng.random() < PLATES or behind.std() > 15:
        surroundings.plate(rng, surface, box, height, ground)
        return value
    mean = float(behind.mean())
    return mean + (value - ground) * (1 if 0 <= mean + value - ground <= 255 else -1)


def tones(rng) -> tuple[float, float]:
    """Returns the brightness of the ground and of the digits: either may be the lighter one, often not by much."""
    contrast = min(max(math.exp(rng.normal(math.log(88), 0.42)), 44), 200)
    darker = 10 + rng.beta(1.2, 1.5) * (240 - contrast)
    return (darker, darker + contrast) if rng.random() < 0.5 else (darker + contrast, darker)


def box_of(number: Number, corner):
    """Returns (left, top, right, bottom) of a number whose upper left corner is at (x, y)."""
    rows, columns = number.ink.shape
    return corner[0], corner[1], corner[0] + columns, corner[1] + rows


def put(rng, surface, number: Number, corner, height: float, value: float):
    """Paints a number, its upper left corner at (x, y); in place."""
    left, top, right, bottom = box_of(number, corner)
    around = min(round(0.35 * height), top, left, surface.shape[0] - bottom, surface.shape[1] - right)
    window = surface[top - around : bottom + around, left - around : right + around]
    ink = np.zeros(window.shape, np.uint8)
    ink[around : around + bottom - top, around : around + right - left] = number.ink
    paint_number(rng, window, ink, value, height)


def neighbour(rng, surface, face, box, height: float, value: float):
    """Paints a letter beside the number, or a digit so far off that a crop's border cuts it."""
    characters, share = ("0123456789", 0.22) if rng.random() < 0.4 else (surroundings.LETTERS, 0.1)
    gap = share * (box[2] - box[0]) + height * rng.uniform(0.05, 0.2)
    left = box[2] + gap if rng.random() < 0.7 else box[0] - gap - 0.5 * height
    surroundings.write(rng, surface, face, (left, box[1]), height, value, characters)
