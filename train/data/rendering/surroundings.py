"""What is around a number: the wall, the plate it stands on, and what else is there to be mistaken for digits."""

import numpy as np
from PIL import Image, ImageDraw

from train.data.rendering.paint import blend, cloud
from train.data.rendering.typefaces import CAPITAL, TypeFace, glyph

LETTERS = "AaCcDdEeFfGHhJjKkLMmNnPpRrTtUuVvWwXxYy"  # those that are not read as digits


def wall(rng, shape, height: float, value: float, strength: float = 1.0):
    """Returns a wall float32 [h, w].

    Args:
        rng: numpy Generator.
        shape: (h, w).
        height: of the digits that it surrounds, in pixels; patterns are sized for it.
        value: its mean brightness.
        strength: of its pattern.
    """
    surface = cloud(rng, shape, rng.integers(2, 6)) * (strength * rng.gamma(1.5, 3)) + value
    if rng.random() < 0.5:
        surface += rng.standard_normal(shape, np.float32) * (strength * rng.gamma(1.5, 2.5))
    if rng.random() < 0.4:
        patterns = (_bricks, _boards, _grain, _joint, _bars)
        patterns[rng.integers(len(patterns))](rng, surface, height, strength)
    return surface


def _bricks(rng, surface, height: float, strength: float):
    """Courses of bricks, each a little lighter or darker, with joints."""
    course = max(4, round(height * rng.uniform(0.25, 0.8)))
    length = round(course * rng.uniform(2, 3.5))
    joint, tone, spread = max(1, round(course * 0.12)), strength * rng.uniform(-45, 45), strength * rng.uniform(2, 12)
    for row, top in enumerate(range(-rng.integers(course), surface.shape[0], course)):
        for left in range(-length * (row % 2) // 2, surface.shape[1], length):
            brick = surface[max(top, 0) : top + course, max(left, 0) : left + length]
            brick += rng.normal(0, spread)
            brick[:, :joint] += tone
        surface[max(top, 0) : max(top + joint, 0)] += tone


def _boards(rng, surface, height: float, strength: float):
    """Boards or blinds, across or upright, with a dark gap and a light edge."""
    board = max(4, round(height * rng.uniform(0.2, 1.2)))
    lines = surface if rng.random() < 0.6 else surface.T
    gap, depth = max(1, board // 10), strength * rng.uniform(10, 50)
    for top in range(rng.integers(board), len(lines), board):
        lines[top : top + gap] -= depth
        lines[top + gap : top + 2 * gap] += depth * 0.3


def _grain(rng, surface, height: float, strength: float):
    """Streaks of wood or dirt, along one direction."""
    lines = surface if rng.random() < 0.5 else surface.T
    streaks = rng.standard_normal(len(lines), np.float32) * (strength * rng.uniform(3, 12))
    lines += streaks[:, None]


def _joint(rng, surface, height: float, strength: float):
    """Two materials that meet in a straight line near a border."""
    lines = surface if rng.random() < 0.5 else surface.T
    border = round(len(lines) * rng.uniform(0.05, 0.25))
    part = lines[:border] if rng.random() < 0.5 else lines[-border:]
    part += rng.uniform(-80, 80)


def _bars(rng, surface, height: float, strength: float):
    """Bars of a gate or a railing."""
    pitch = max(5, round(height * rng.uniform(0.3, 0.9)))
    tone, width = strength * rng.uniform(-70, 70), max(1, round(pitch * rng.uniform(0.1, 0.3)))
    for left in range(rng.integers(pitch), surface.shape[1], pitch):
        surface[:, left : left + width] += tone


def plate(rng, surface, box, height: float, value: float):
    """Draws a sign under a number, in place: a panel or an oval, often framed, sometimes screwed to the wall.

    Args:
        rng: numpy Generator.
        surface: float32 [h, w].
        box: (left, top, right, bottom) of the number in it.
        height: of a digit, in pixels.
        value: brightness of the plate.
    """
    across, up = height * rng.uniform(0.08, 0.6), height * rng.uniform(0.06, 0.45)
    outer = (box[0] - across, box[1] - up, box[2] + across, box[3] + up)
    mask = Image.new("L", (surface.shape[1], surface.shape[0]))
    draw = ImageDraw.Draw(mask)
    shape = rng.random()
    if shape < 0.2:
        grow_x, grow_y = 0.18 * (outer[2] - outer[0]), 0.18 * (outer[3] - outer[1])
        outer = (outer[0] - grow_x, outer[1] - grow_y, outer[2] + grow_x, outer[3] + grow_y)
        draw.ellipse(outer, fill=255)
    elif shape < 0.45:
        draw.rounded_rectangle(outer, radius=height * rng.uniform(0.1, 0.4), fill=255)
    else:
        draw.rectangle(outer, fill=255)
    frame = max(1, round(height * rng.uniform(0.03, 0.1)))
    coverage = np.asarray(mask, np.float32) / 255
    if rng.random() < 0.3:
        surface *= 1 - 0.5 * np.roll(coverage, (frame, rng.integers(-frame, frame + 1)), (0, 1))
    blend(surface, coverage, value)
    if rng.random() < 0.4:
        _frame(rng, surface, outer, frame, shape < 0.2)
    if rng.random() < 0.15 and shape >= 0.2:
        _screws(rng, surface, outer, height)


def _frame(rng, surface, outer, width: int, oval: bool):
    mask = Image.new("L", (surface.shape[1], surface.shape[0]))
    draw = ImageDraw.Draw(mask)
    inset = width * rng.uniform(0, 2)
    inner = (outer[0] + inset, outer[1] + inset, outer[2] - inset, outer[3] - inset)
    if inner[2] - inner[0] > 2 * width and inner[3] - inner[1] > 2 * width:
        (draw.ellipse if oval else draw.rectangle)(inner, outline=255, width=width)
    blend(surface, np.asarray(mask, np.float32) / 255, rng.uniform(0, 255))


def _screws(rng, surface, outer, height: float):
    radius, inset, tone = max(1, round(height * 0.05)), height * 0.12, rng.uniform(0, 255)
    for x in (outer[0] + inset, outer[2] - inset):
        for y in (outer[1] + inset, outer[3] - inset):
            row, column = max(round(y), 0), max(round(x), 0)
            surface[row : row + 2 * radius, column : column + 2 * radius] = tone


def letter(rng, surface, face: TypeFace, left: float, top: float, height: float, value: float, characters):
    """Paints a random one of `characters`, in place, and returns its width; what lies outside is cut off."""
    shape = glyph(face, characters[rng.integers(len(characters))])
    scale = height / CAPITAL
    size = max(2, round(shape.mask.width * scale)), max(2, round(shape.mask.height * scale))
    mask = np.asarray(shape.mask.resize(size, Image.Resampling.BILINEAR), np.float32) / 255
    row, column = round(top + shape.top * scale), round(left)
    window = surface[max(row, 0) : max(row + size[1], 0), max(column, 0) : max(column + size[0], 0)]
    cut = mask[max(-row, 0) :, max(-column, 0) :][: window.shape[0], : window.shape[1]]
    blend(window[: cut.shape[0], : cut.shape[1]], cut, value)
    return size[0]


def clutter(rng, surface, height: float):
    """Draws lines, cables, blots and patches of dirt across a surface, in place."""
    picture = Image.new("L", (surface.shape[1], surface.shape[0]))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 4)):
        x, y = rng.uniform(0, surface.shape[1]), rng.uniform(0, surface.shape[0])
        if rng.random() < 0.6:
            dx, dy = rng.normal(0, 3 * height, 2)
            draw.line((x - dx, y - dy, x + dx, y + dy), fill=int(rng.integers(40, 140)), width=1 + rng.integers(2))
        else:
            a, b = height * rng.uniform(0.03, 0.25, 2)
            draw.ellipse((x - a, y - b, x + a, y + b), fill=int(rng.integers(40, 160)))
    blend(surface, np.asarray(picture, np.float32) / 255, rng.uniform(0, 255))


def facade(rng, surface, height: float, draw_face):
    """Draws what else a house has, in place: doors, windows, bushes, signs with words.

    Args:
        rng: numpy Generator.
        surface: float32 [h, w].
        height: of the digits, in pixels.
        draw_face: a function that returns a type face to write a word in.
    """
    for _ in range(rng.integers(1, 5)):
        _opening(rng, surface, height)
    if rng.random() < 0.25:
        _bush(rng, surface)
    for _ in range(rng.integers(3)):
        _word(rng, surface, draw_face(), height * rng.uniform(0.3, 0.9))
    clutter(rng, surface, height)


def _opening(rng, surface, height: float):
    """A door, a window or a letter box: a frame, and panes in it."""
    rows, columns = surface.shape
    up, across = rng.uniform(0.1, 0.9) * rows, rng.uniform(0.05, 0.4) * columns
    top, left = rng.uniform(-0.3, 0.9) * rows, rng.uniform(-0.1, 0.95) * columns
    frame = max(1, height * rng.uniform(0.05, 0.25))
    picture = Image.new("L", (columns, rows))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((left, top, left + across, top + up), fill=255)
    opening = np.asarray(picture, np.float32) / 255
    panes = rng.integers(1, 4)
    for i in range(panes):
        start, end = top + frame + i * (up - frame) / panes, top + (i + 1) * (up - frame) / panes
        if end > start and across > 2 * frame:
            draw.rectangle((left + frame, start, left + across - frame, end), fill=0)
    frames = np.asarray(picture, np.float32) / 255
    blend(surface, opening, wall(rng, surface.shape, height, rng.uniform(20, 200)))
    blend(surface, frames, rng.uniform(10, 245))


def _bush(rng, surface):
    """Leaves before the wall, from one side or from below."""
    rows, columns = surface.shape
    leaves = cloud(rng, surface.shape, 90) * rng.uniform(8, 25) + rng.uniform(40, 110)
    sideways = rng.random() < 0.5
    ramp = np.linspace(-3, 1, columns if sideways else rows, dtype=np.float32)
    outline = np.clip((cloud(rng, surface.shape, 12) + (ramp if sideways else ramp[:, None])) * 4, 0, 1)
    blend(surface, outline[:, :: rng.choice([-1, 1])], leaves)


def _word(rng, surface, face: TypeFace, height: float):
    left, top = rng.uniform(0, 0.9) * surface.shape[1], rng.uniform(0, 0.95) * surface.shape[0]
    value = rng.uniform(0, 255)
    for _ in range(rng.integers(2, 9)):
        left += letter(rng, surface, face, left, top, height, value, LETTERS) + 0.1 * height
