"""Counters with drums: each digit printed on a drum behind a window, so that parts of its neighbours may show."""

import math

import cv2
import numpy as np

from train.data.rendering.layout import draw_digits
from train.data.rendering.paint import blend, cloud, noise, ramp, resized
from train.data.rendering.subjects import Panel, Subject, panel_subject
from train.data.rendering.surroundings import write_text
from train.data.rendering.typefaces import CAPITAL, draw_plain_face, draw_type_face, glyph

WORDS = ("m3", "kWh", "m", "x 0.1", "W", "Q", "H", "A", "CL", "kW", "No")
TICKS = 0.25  # share of counters whose last drum has a scale beside its digits
STILL = 0.55  # share of counters all of whose drums stand straight


def counter(rng, split: str, length: int, height: float) -> Subject:
    """Returns a number on the drums of a counter, its digits `height` pixels high."""
    label = draw_digits(rng, length)
    if rng.random() < 0.6 and length > 2:
        zeros = int(rng.integers(1, length - 1))
        label = (0,) * zeros + label[zeros:]
    face = draw_plain_face(rng, split)
    stretch = math.exp(rng.normal(-0.2, 0.2))
    window, pitch = round(height * rng.uniform(1.05, 1.8)), height * rng.uniform(0.72, 1.35)
    period = height * rng.uniform(1.25, 1.7)  # from a digit to the next one on the same drum
    rolls = _rolls(rng, length) * period
    drum = max(3, round(min(pitch * rng.uniform(0.8, 1), pitch - 1)))
    tones = _drum_tones(rng, length)
    shape = window, round(pitch * (length - 1)) + drum
    frame = rng.uniform(10, 70) if rng.random() < 0.6 else rng.uniform(70, 250)
    made, boxes = [np.full(shape, frame, np.float32) for _ in range(2)], []
    for i, (digit, roll, (ground, value)) in enumerate(zip(label, rolls, tones)):
        left = round(i * pitch)
        inks, box = _drum(face, digit, roll, (window, drum), (height, period), stretch)
        base = np.full(inks[0].shape, ground, np.float32)
        for picture, ink in zip(made, inks):
            field = picture[:, left : left + drum]
            field[:] = base + (value - base) * ink
        boxes.append((box[0] + left, box[1], box[2] + left, box[3]))
    _finish(rng, made, boxes, tones[-1], drum, height)
    pictures, corner = _mounted(rng, made, split, height)
    panel = Panel(*pictures, np.ones(pictures[0].shape, np.float32), corner)
    return panel_subject("drum", label, np.array(boxes, np.float32), panel)


def _rolls(rng, length: int) -> np.ndarray:
    """Returns how far each drum has rolled on, in shares of the way to its next digit; the last ones farthest."""
    if rng.random() < STILL:
        return rng.normal(0, 0.015, length)
    rolls = rng.normal(0, 0.04, length)
    rolls[-1] += rng.uniform(-0.18, 0.18)
    return np.clip(rolls, -0.22, 0.22)  # half way a drum shows neither digit


def _drum_tones(rng, length: int) -> list[tuple[float, float]]:
    """Returns the brightness of each drum and of its digits: the last ones are often of another colour."""
    dark, light = rng.uniform(8, 80), rng.uniform(130, 245)
    ground, value = (dark, light) if rng.random() < 0.6 else (light, dark)
    made = [(ground, value)] * length
    if rng.random() < 0.4 and length > 1:
        count = int(rng.integers(1, min(4, length)))
        red = rng.uniform(50, 130)
        other = (red, rng.uniform(170, 250)) if rng.random() < 0.7 else (rng.uniform(180, 250), red)
        made[-count:] = [other] * count
    return made


def _drum(face, digit: int, roll: float, shape, sizes, stretch: float):
    """Returns a drum's ink with its digit and without any, float32 [h, w], and the digit's visible box.

    Args:
        digit: the one that is seen.
        roll: how far down it has moved from the middle, in pixels.
        shape: (height, width) of the window.
        sizes: the height of a digit, and the way to the next, in pixels.
        stretch: width of a digit beside that in its type face.
    """
    height, period = sizes
    ink, box = np.zeros(shape, np.float32), None
    for step in (-1, 1, 0):
        mask = glyph(face, str((digit + step) % 10)).mask
        rows = max(3, round(len(mask) * height / CAPITAL))
        columns = min(max(2, round(mask.shape[1] * height / CAPITAL * stretch)), max(2, shape[1] - 1))
        small = resized(mask, (rows, columns)).astype(np.float32) / 255
        top = round((shape[0] - rows) / 2 + roll + step * period)
        left = (shape[1] - columns) // 2
        first, last = max(top, 0), min(top + rows, shape[0])
        if first < last:
            ink[first:last, left : left + columns] = np.maximum(
                ink[first:last, left : left + columns], small[first - top : last - top]
            )
        if step == 0:
            box = left, first, left + columns, last
    return (ink, np.zeros(shape, np.float32)), box


def _finish(rng, made, boxes, tones, drum: int, height: float):
    """Rounds the drums by light and shade, and adds a scale to the last one; in place, the same on both pictures."""
    rows, columns = made[0].shape
    shade = 1 - rng.uniform(0.1, 0.75) * np.abs(ramp(rows)[:, None]) ** rng.uniform(2, 5)
    side = 1 + rng.normal(0, 0.12) * ramp(columns)
    glare = np.exp(-(((ramp(rows)[:, None] - rng.uniform(-0.8, 0.8)) / rng.uniform(0.1, 0.3)) ** 2))
    glare = glare * (rng.uniform(20, 90) if rng.random() < 0.25 else 0)
    dirt = cloud(rng, (rows, columns), 8) * rng.uniform(0, 6)
    for picture in made:
        picture *= shade * side
        picture += glare + dirt
    if rng.random() < TICKS:
        start = columns - max(1, round(0.18 * drum))
        first, step = int(rng.integers(6)), max(3, round(0.16 * height))
        if start > boxes[-1][2]:
            for picture in made:
                for row in range(first, rows, step):
                    picture[row : row + max(1, step // 3), start:] = tones[1]


def _mounted(rng, made, split: str, height: float):
    """Returns both pictures in a mask with a window, or one a digit, on a dial; and the digits' corner (x, y)."""
    rows, columns = made[0].shape
    frame = max(1, round(height * rng.uniform(0.03, 0.35)))
    around = np.round(height * np.append(frame / height, rng.gamma(1.5, 0.5, 4))).astype(int)[1:]
    around = np.maximum(around, 1) if rng.random() < 0.8 else np.zeros(4, int)
    left, top = int(around[0]), int(around[1])
    shape = rows + 2 * frame + int(around[1] + around[3]), columns + 2 * frame + int(around[0] + around[2])
    dial = cloud(rng, shape, 3) * rng.uniform(0, 8) + rng.uniform(20, 245)
    if rng.random() < 0.4:
        dial += noise(rng, shape) * rng.uniform(1, 8)
    edge = rng.uniform(0, 255)
    dial[top : top + rows + 2 * frame, left : left + columns + 2 * frame] = edge
    face = draw_type_face(rng, split)
    for _ in range(int(rng.integers(0, 3))):
        small, word = height * rng.uniform(0.25, 0.6), WORDS[rng.integers(len(WORDS))]
        beside = left + columns + 2 * frame + 0.2 * small, top + rng.uniform(0, 1) * rows
        under = left + rng.uniform(0, 0.8) * columns, top + rows + 2 * frame + 0.3 * small
        write_text(dial, face, beside if rng.random() < 0.5 else under, small, rng.uniform(0, 255), word)
    pictures = [np.clip(dial, 0, 255), np.clip(dial, 0, 255)]
    for picture, window in zip(pictures, made):
        picture[top + frame : top + frame + rows, left + frame : left + frame + columns] = window
    if rng.random() < 0.25:  # glass over all of it
        veil = np.zeros(shape, np.uint8)
        points = rng.uniform(-0.2, 1.2, (4, 2)) * shape[::-1]
        cv2.fillConvexPoly(veil, cv2.convexHull(points.astype(np.int32)), int(rng.integers(30, 130)))
        share, value = (
            cv2.GaussianBlur(veil.astype(np.float32) / 255, (0, 0), 0.1 * height + 0.5),
            rng.uniform(120, 255),
        )
        for picture in pictures:
            blend(picture, share, value)
    return pictures, (left + frame, top + frame)
