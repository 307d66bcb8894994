"""Surroundings of a number: the wall, the plate it stands on, and things that may be mistaken for digits."""

import numpy as np
from PIL import Image, ImageDraw

from train.data.rendering.paint import blend, cloud, noise, ramp, resized, shifted, stamp
from train.data.rendering.typefaces import CAPITAL, TypeFace, glyph

LETTERS = "AaCcDdEeFfGHhJjKkLMmNnPpRrTtUuVvWwXxYy"  # those that are not read as digits


def wall(rng, shape, height: float, value: float, strength: float = 1.0):
    """Returns a wall float32 [h, w], its patterns sized for digits of a height in pixels."""
    surface = cloud(rng, shape, rng.integers(2, 6)) * (strength * rng.gamma(1.5, 3)) + value
    if rng.random() < 0.5:
        surface += noise(rng, shape) * (strength * rng.gamma(1.5, 2.5))
    if rng.random() < 0.4:
        patterns = (_bricks, _boards, _grain, _joint, _bars)
        patterns[rng.integers(len(patterns))](rng, surface, height, strength)
    return surface


def _bricks(rng, surface, height: float, strength: float):
    """Courses of bricks, each a little lighter or darker, with joints."""
    course = max(4, round(height * rng.uniform(0.25, 0.8)))
    length = round(course * rng.uniform(2, 3.5))
    joint, tone, spread = max(1, round(course * 0.12)), strength * rng.uniform(-45, 45), strength * rng.uniform(2, 12)
    rows, columns = surface.shape
    top = -rng.integers(course)
    tones = rng.normal(0, spread, ((rows - top) // course + 1, columns // length + 2)).astype(np.float32)
    joints = np.zeros(length, np.float32)
    joints[:joint] = tone
    for row, bricks in enumerate(tones):
        start = top + row * course
        line = (bricks[:, None] + joints).ravel()[length // 2 * (row % 2) :]
        surface[max(start, 0) : start + course] += line[:columns]
        surface[max(start, 0) : max(start + joint, 0)] += tone


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
        surface: float32 [h, w].
        box: (left, top, right, bottom) of the number in it.
        height: of a digit, in pixels.
    """
    across, up = height * rng.uniform(0.08, 0.6), height * rng.uniform(0.06, 0.45)
    shape = rng.random()
    if shape < 0.2:  # an oval needs more, for its corners
        across, up = (0.18 * (end - start) + 1.36 * more for start, end, more in zip(box, box[2:], (across, up)))
    frame = max(1, round(height * rng.uniform(0.03, 0.1)))
    # All of it is drawn in a window, with room for its shadow.
    corner = int(box[0] - across) - 2 * frame, int(box[1] - up) - 2 * frame
    outer = _grown(box, across, up, corner)
    size = int(outer[2]) + 2 * frame + 1, int(outer[3]) + 2 * frame + 1
    outline = "ellipse" if shape < 0.2 else "rectangle"
    if 0.2 <= shape < 0.45:
        coverage = _drawn("rounded_rectangle", size, outer, fill=255, radius=height * rng.uniform(0.1, 0.4))
    else:
        coverage = _drawn(outline, size, outer, fill=255)
    if rng.random() < 0.3:
        stamp(surface, 0.5 * shifted(coverage, rng.integers(-frame, frame + 1), frame), corner, 0.0)
    stamp(surface, coverage, corner, value)
    if rng.random() < 0.4:
        inset = -frame * rng.uniform(0, 2)
        inner = _grown(outer, inset, inset)
        if inner[2] - inner[0] > 2 * frame and inner[3] - inner[1] > 2 * frame:
            stamp(surface, _drawn(outline, size, inner, outline=255, width=frame), corner, rng.uniform(0, 255))
    if rng.random() < 0.15 and shape >= 0.2:
        _screws(rng, surface, _grown(box, across, up), height)


def _grown(box, across: float, up: float, origin=(0, 0)):
    """Returns a box (left, top, right, bottom), larger by so much on every side, counted from `origin`."""
    x, y = origin
    return box[0] - across - x, box[1] - up - y, box[2] + across - x, box[3] + up - y


def _drawn(shape: str, size, box, **style):
    """Returns a mask float32 [h, w] of `size` (width, height) with one of ImageDraw's shapes in it."""
    mask = Image.new("L", size)
    getattr(ImageDraw.Draw(mask), shape)(box, **style)
    return np.asarray(mask, np.float32) / 255


def _screws(rng, surface, outer, height: float):
    radius, inset, tone = max(1, round(height * 0.05)), height * 0.12, rng.uniform(0, 255)
    for x in (outer[0] + inset, outer[2] - inset):
        for y in (outer[1] + inset, outer[3] - inset):
            row, column = max(round(y), 0), max(round(x), 0)
            surface[row : row + 2 * radius, column : column + 2 * radius] = tone


def write(rng, surface, face: TypeFace, corner, height: float, value: float, characters, count: int = 1):
    """Paints `count` random ones of `characters`, in place; what lies outside is cut off.

    Args:
        surface: float32 [h, w].
        corner: (x, y) of the first pen position, at the top of a digit.
        height: of a digit in that face, in pixels.
        characters: a string to draw from.
    """
    text = "".join(characters[i] for i in rng.integers(len(characters), size=count))
    write_text(surface, face, corner, height, value, text)


def write_text(surface, face: TypeFace, corner, height: float, value: float, text: str):
    """Paints a text as `write` does."""
    shapes = [glyph(face, character) for character in text]
    top = min(shape.top for shape in shapes)
    gap = CAPITAL // 10
    width = sum(shape.mask.shape[1] for shape in shapes) + gap * (len(shapes) - 1)
    word = np.zeros((max(shape.top + len(shape.mask) for shape in shapes) - top, width), np.uint8)
    left = 0
    for shape in shapes:
        rows, columns = shape.mask.shape
        word[shape.top - top : shape.top - top + rows, left : left + columns] = shape.mask
        left += columns + gap
    scale = height / CAPITAL
    mask = resized(word, (max(2, round(len(word) * scale)), max(2, round(width * scale))))
    stamp(surface, mask.astype(np.float32) / 255, (round(corner[0]), round(corner[1] + top * scale)), value)


def clutter(rng, surface, height: float, keep=None):
    """Draws lines, cables, blots and patches of dirt across a surface, in place; not across the box `keep`."""
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
    value, drawn = rng.uniform(0, 255), picture.getbbox()
    if drawn and not (keep and picture.crop(keep).getbbox()):
        stamp(surface, np.asarray(picture.crop(drawn), np.float32) / 255, drawn[:2], value)


def facade(rng, surface, height: float, draw_face, keep=None):
    """Draws what else a house has, in place: doors, windows, bushes, signs with words.

    Args:
        surface: float32 [h, w].
        height: of the digits, in pixels.
        draw_face: a function that returns a type face to write a word in.
        keep: (left, top, right, bottom) that nothing may cover, or None.
    """
    for _ in range(rng.integers(1, 5)):
        _opening(rng, surface, height, keep)
    if rng.random() < 0.25:
        _bush(rng, surface, keep)
    for _ in range(rng.integers(3)):
        _word(rng, surface, draw_face(), height * rng.uniform(0.3, 0.9), keep)
    clutter(rng, surface, height, keep)


def _opening(rng, surface, height: float, keep):
    """A door, a window or a letter box: a frame, and panes in it."""
    rows, columns = surface.shape
    up, across = max(2, int(rng.uniform(0.1, 0.9) * rows)), max(2, int(rng.uniform(0.05, 0.4) * columns))
    top, left = int(rng.uniform(-0.3, 0.9) * rows), int(rng.uniform(-0.1, 0.95) * columns)
    frame, panes = max(1, height * rng.uniform(0.05, 0.25)), rng.integers(1, 4)
    pane, bars = rng.uniform(20, 200), rng.uniform(10, 245)
    if _touch((left, top, left + across, top + up), keep):
        return
    picture = Image.new("L", (across, up), 255)
    draw = ImageDraw.Draw(picture)
    for i in range(panes):
        start, end = frame + i * (up - frame) / panes, (i + 1) * (up - frame) / panes
        if end > start and across > 2 * frame:
            draw.rectangle((frame, start, across - frame, end), fill=0)
    tones = wall(rng, (up, across), height, pane)
    blend(tones, np.asarray(picture, np.float32) / 255, bars)
    stamp(surface, np.ones_like(tones), (left, top), tones)


def _bush(rng, surface, keep):
    """Leaves before the wall, from one side or from below."""
    rows, columns = surface.shape
    leaves = cloud(rng, surface.shape, 90) * rng.uniform(8, 25) + rng.uniform(40, 110)
    sideways = rng.random() < 0.5
    nearer = 2 * ramp(columns if sideways else rows) - 1
    outline = np.clip((cloud(rng, surface.shape, 12) + (nearer if sideways else nearer[:, None])) * 4, 0, 1)
    outline = outline[:, :: 2 * rng.integers(2) - 1]
    if not (keep and outline[keep[1] : keep[3], keep[0] : keep[2]].any()):
        blend(surface, outline, leaves)


def _word(rng, surface, face: TypeFace, height: float, keep):
    left, top = rng.uniform(0, 0.9) * surface.shape[1], rng.uniform(0, 0.95) * surface.shape[0]
    value, length = rng.uniform(0, 255), rng.integers(2, 9)
    if _touch((left, top - height, left + 1.2 * length * height, top + 2 * height), keep):
        return
    write(rng, surface, face, (left, top), height, value, LETTERS, length)


def _touch(box, keep) -> bool:
    """Whether two boxes (left, top, right, bottom) overlap; nothing does where there is none to keep."""
    return keep is not None and box[0] < keep[2] and keep[0] < box[2] and box[1] < keep[3] and keep[1] < box[3]
