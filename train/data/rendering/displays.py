"""Seven-segment displays: dark segments on a light or dim crystal, or glowing ones, in the housing of a device."""

import cv2
import numpy as np

from train.data.rendering.layout import draw_digits
from train.data.rendering.paint import blend, cloud, noise, ramp
from train.data.rendering.segments import draw_segments, set_row
from train.data.rendering.subjects import Panel, Subject, panel_subject
from train.data.rendering.surroundings import write_text
from train.data.rendering.typefaces import draw_type_face

WORDS = ("LITRES", "kWh", "TOTAL", "SALE", "PRICE", "VOLUME", "AMOUNT", "kW", "CUM", "BP", "MD", "UNIT", "kVA", "h")
WORDS += ("LITERS", "GALLONS", "EURO", "MAX", "MIN", "RESET", "MODE", "TARIFF", "kVARh", "CkWh", "TIME", "No", "Hz")
ZEROS = 0.45  # share of displays that show zeros before their number
FRACTIONS = 0.4  # share of displays whose last digits are smaller: tenths and hundredths of a unit
FRACTION_DIGITS = (0.6, 0.25, 0.15)  # of those, shares with 1, 2 and 3 such digits
POINTS = 0.45  # share of displays with a decimal point
RAISED = 0.2  # share of smaller digits that stand at the top


def display(rng, split: str, length: int, height: float) -> Subject:
    """Returns a number on a seven-segment display, its digits `height` pixels high."""
    label = draw_digits(rng, length)
    if rng.random() < ZEROS and length > 2:
        zeros = int(rng.integers(1, length - 1))
        label = (0,) * zeros + label[zeros:]
    whole = max(0, length - 1 - int(rng.choice(len(FRACTION_DIGITS), p=FRACTION_DIGITS)))
    row = set_row(
        draw_segments(rng),
        label,
        height,
        blanks=int(rng.integers(1, 4)) if rng.random() < 0.2 else 0,
        point_after=whole if rng.random() < POINTS else 0,
        small_after=whole if rng.random() < FRACTIONS else 0,
        small=rng.uniform(0.4, 0.85),
        raised=rng.random() < RAISED,
    )
    sides = _margins(rng, height)
    window = np.pad(row.lit, sides), np.pad(row.ghosts, sides)
    made = (_glowing if rng.random() < 0.3 else _crystal)(rng, *window, height)
    origin = sides[1][0], sides[0][0]
    _inscribe(rng, made, split, origin, row.lit.shape, height)
    if rng.random() < 0.35:
        _reflect(rng, made, height)
    pictures, corner = _housed(rng, made, split, height)
    panel = Panel(*pictures, np.ones(pictures[0].shape, np.float32), (corner[0] + origin[0], corner[1] + origin[1]))
    return panel_subject("display", label, row.boxes, panel)


def _margins(rng, height: float):
    """Returns how much of the window is around the digits, in pixels: ((above, below), (left, right))."""
    above, below = rng.uniform(0.1, 0.6, 2) * height
    left, right = (rng.gamma(1.5, 0.35, 2) + 0.1) * height
    if rng.random() < 0.15:  # another line, of small signs or nothing, in the same window
        below += rng.uniform(0.3, 0.8) * height
    return (round(above), round(below)), (round(min(left, 3 * height)), round(min(right, 3 * height)))


def _crystal(rng, lit, ghosts, height: float):
    """Returns a liquid crystal's window with its digits and without, float32 [h, w]: dark on lighter, or inverted."""
    kind = rng.random()
    if kind < 0.45:
        ground, contrast = rng.uniform(80, 200), rng.uniform(0.25, 0.9)
    elif kind < 0.7:  # in the dark of its housing
        ground, contrast = rng.uniform(35, 90), rng.uniform(0.25, 0.7)
    elif kind < 0.88:  # lit from behind
        ground, contrast = rng.uniform(190, 255), rng.uniform(0.5, 0.95)
    else:  # light on dark
        ground, contrast = rng.uniform(20, 90), -rng.uniform(0.8, 3)
    surface = _ground(rng, lit.shape, ground)
    faint = rng.uniform(0.02, 0.2) if rng.random() < 0.4 else 0.0
    bare = surface * (1 - ghosts.astype(np.float32) * (faint * min(contrast, 0.6) / 255))
    mask = lit.astype(np.float32) / 255
    if contrast > 0 and rng.random() < 0.3:  # segments throw a shadow on the mirror behind them
        reach = np.float32([[1, 0, rng.uniform(0, 0.08) * height], [0, 1, rng.uniform(0, 0.08) * height]])
        mask = np.maximum(mask, rng.uniform(0.1, 0.5) * cv2.warpAffine(mask, reach, mask.shape[::-1]))
    return [np.clip(bare * (1 - mask * contrast), 0, 255), np.clip(bare, 0, 255)]


def _glowing(rng, lit, ghosts, height: float):
    """Returns a window of glowing segments with its digits and without, float32 [h, w]."""
    bare = _ground(rng, lit.shape, rng.uniform(3, 70))
    light = rng.uniform(90, 255)
    faint = rng.uniform(0.03, 0.15) if rng.random() < 0.4 else 0.0
    bare = bare + ghosts.astype(np.float32) * (faint * light / 255)
    mask = lit.astype(np.float32) / 255
    painted = bare + (light - bare) * mask
    if rng.random() < 0.6:
        glow = cv2.GaussianBlur(mask, (0, 0), max(0.6, height * rng.uniform(0.03, 0.15)))
        painted = painted + glow * (light * rng.uniform(0.15, 0.7))
    return [np.clip(painted, 0, 255), np.clip(bare, 0, 255)]


def _ground(rng, shape, tone: float):
    """Returns the empty window: unevenly lit, and often darker where its frame throws a shadow."""
    down, across = ramp(shape[0])[:, None], ramp(shape[1])
    surface = tone * (1 + rng.normal(0, 0.1) * down + rng.normal(0, 0.12) * across)
    if rng.random() < 0.4:
        surface = surface * (1 + rng.uniform(0.02, 0.1) * cloud(rng, shape, 4))
    if rng.random() < 0.35:
        depth = 1 - np.clip((down + 1) / rng.uniform(0.1, 0.6), 0, 1)
        surface = surface * (1 - rng.uniform(0.2, 0.7) * depth)
    return surface.astype(np.float32)


def _inscribe(rng, made, split: str, origin, shape, height: float):
    """Writes small signs and units inside the window, beside the digits; in place."""
    face = draw_type_face(rng, split)
    for _ in range(int(rng.integers(0, 3))):
        word = WORDS[rng.integers(len(WORDS))]
        small = height * rng.uniform(0.18, 0.65)
        beside = origin[0] + shape[1] + 0.1 * height, origin[1] + rng.uniform(0, 1) * (height - small)
        under = origin[0] + rng.uniform(-0.3, 0.8) * shape[1], origin[1] + height * rng.uniform(1.15, 1.4)
        place = beside if rng.random() < 0.6 else under
        tone = float(made[1].mean()) * rng.uniform(0.2, 0.7)
        for picture in made:
            write_text(picture, face, place, small, tone, word)


def _reflect(rng, made, height: float):
    """Lays reflections, shadows and scratches over the window; in place, the same on both pictures."""
    shape, veil = made[0].shape, np.zeros(made[0].shape, np.uint8)
    for _ in range(int(rng.integers(1, 3))):
        if rng.random() < 0.6:
            points = rng.uniform(-0.2, 1.2, (4, 2)) * shape[::-1]
            cv2.fillConvexPoly(veil, cv2.convexHull(points.astype(np.int32)), int(rng.integers(40, 190)))
        else:
            start, end = (rng.uniform(0, 1, (2, 2)) * shape[::-1]).astype(int).tolist()
            cv2.line(veil, start, end, int(rng.integers(40, 160)), 1, cv2.LINE_AA)
    share = cv2.GaussianBlur(veil.astype(np.float32) / 255, (0, 0), max(0.5, height * rng.uniform(0.01, 0.2)))
    value = rng.uniform(120, 255) if rng.random() < 0.7 else rng.uniform(0, 60)
    for picture in made:
        blend(picture, share, value)


def _housed(rng, made, split: str, height: float):
    """Returns both pictures in a frame and a housing with printed words, and the window's corner (x, y) in them."""
    frame = round(height * rng.uniform(0.03, 0.5)) if rng.random() < 0.8 else 1
    sides = np.round(height * rng.gamma(1.5, 0.6, (2, 2))).astype(int) if rng.random() < 0.75 else np.zeros((2, 2), int)
    rows, columns = made[0].shape
    shape = rows + 2 * frame + int(sides[0].sum()), columns + 2 * frame + int(sides[1].sum())
    left, top = int(sides[1][0]), int(sides[0][0])
    body = cloud(rng, shape, 3) * rng.uniform(0, 6) + rng.uniform(15, 245)
    if rng.random() < 0.3:
        body += noise(rng, shape) * rng.uniform(1, 6)
    edges = rng.uniform(0, 120) if rng.random() < 0.7 else rng.uniform(0, 255)
    body[top : top + rows + 2 * frame, left : left + columns + 2 * frame] = edges
    if frame > 3:  # an edge that catches the light
        lit = rng.uniform(-50, 70)
        body[top : top + frame // 3, left : left + columns + 2 * frame] += lit
        body[top : top + rows + 2 * frame, left : left + frame // 3] -= lit / 2
    face = draw_type_face(rng, split)
    for _ in range(int(rng.integers(0, 3))):
        small = height * rng.uniform(0.2, 0.6)
        x = left + rng.uniform(0, 0.7) * columns
        y = top + rows + 2 * frame + 0.3 * small if rng.random() < 0.7 else top - 1.5 * small
        word = WORDS[rng.integers(len(WORDS))]
        if y > top + rows + frame or y + 1.3 * small < top:
            write_text(body, face, (x, y), small, rng.uniform(0, 255), word)
    pictures = [np.clip(body, 0, 255), np.clip(body, 0, 255)]
    for picture, window in zip(pictures, made):
        picture[top + frame : top + frame + rows, left + frame : left + frame + columns] = window
    return pictures, (left + frame, top + frame)
