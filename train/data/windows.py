"""Training windows cut out of pictures of numbers: around whole numbers, and such in which nothing is to be read.

A window that holds a whole number has its label; one that cuts it, comes too close, is too far off to read it, or lies
beside it has none. What lies between, a number that just touches the border, is not shown: no rule could tell it.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from train.data.pieces import put_together
from train.data.spoiling import spoiled

SCENE = (96, 192)  # (height, width) of the pictures that windows are cut from
SHARES_OF_HEIGHT, MOST_OF_WIDTH = (0.25, 0.7), 0.85  # that a number takes in a picture cut out of a photograph

# Kinds of windows of a picture that holds a number, and their shares.
WHOLE, CUT, CLOSE, FAR, BESIDE = range(5)
SHARES = (0.64, 0.20, 0.07, 0.03, 0.06)
SIDE_MARGIN, END_MARGIN = 0.22, 0.06  # room that a whole number has in its window, in heights of the number
SMALLEST = 0.36  # size of a whole number, in parts of the largest one that fits
EASIEST = 0.85  # the same where windows are easy
FEWER = 0.35  # of the windows without a whole number are there where windows are easy
LEAST_PIXELS = 12  # height of a whole number in its window
UNREADABLE = (3.0, 6.5)  # height in pixels of a number that is too far off
CLOSEST_ZOOM = 2.8  # times that a picture's pixels are enlarged at most
CUT_DIGIT = 0.35  # of the outermost digit's width is the least that a window cuts off
TIGHT = 0.35  # share of the whole numbers that stand in a tight crop
TIGHT_ROOM = (-0.03, 0.4)  # around the number in a tight crop, in heights of it
IN_PIECES = 0.4  # share of the tight crops that are put together from pictures of their digits
BLACK = 0.5  # share of the pictures with nothing but black beyond their border, as a patch has it; else it is repeated
ROTATION, SHEAR, ASPECT = math.radians(5), 0.1, 0.1
SQUEEZED, SQUEEZE = 0.2, 0.45  # share of the windows whose sides' ratio is off, and how far, as a logarithm
TRIALS = 12


@dataclass(frozen=True)
class Window:
    """A window of a picture.

    Attributes:
        matrix: float64 [2, 3], takes (x, y, 1) of the window to the picture.
        scale: window pixels to a pixel of the picture.
    """

    matrix: np.ndarray
    scale: float
    whole: bool


def draw_windows(images, boxes, lengths, size, rng, augment: bool = True, hardness: float = 1.0, ends=None):
    """Returns one window of each picture, and where its number is in it.

    Args:
        images: uint8 [n, H, W, 1].
        boxes: float [n, 4], (left, top, right, bottom) of the number in its picture; zeros where there is none.
        lengths: [n], digits of the number; 0 where the box is of what only looks like one.
        size: (height, width) of a window.
        augment: whether windows are turned, sheared, re-lit, blurred and stored as well.
        hardness: from 0, large numbers in the middle of most windows, to 1. A network that begins with easy windows
            finds out sooner where the digits are.
        ends: [n, positions], where each digit ends in parts of its number's width, 1 behind; with them and `augment`
            some tight crops are put together from their digits.

    Returns:
        windows uint8 [n, *size, 1], found float32 [n, 4]: the number's box in parts of the window's width and height,
        zeros where the window holds no whole number.
    """
    windows = np.empty((len(images), *size, 1), np.uint8)
    found = np.zeros((len(images), 4), np.float32)
    shares = np.array(SHARES)
    shares[1:] *= FEWER + (1 - FEWER) * hardness
    shares[WHOLE] += 1 - shares.sum()
    for i, (image, box, length) in enumerate(zip(images[..., 0], boxes, lengths)):
        if box[2] <= box[0]:
            window = _anywhere(image.shape, size, rng, augment)
        else:
            # What was mistaken for a number is shown as numbers are.
            kind = rng.choice(len(shares), p=shares) if length else WHOLE
            if kind == WHOLE and rng.random() < TIGHT:
                if augment and ends is not None and length and rng.random() < IN_PIECES:
                    image, box = put_together(image, box, ends[i, :length], rng)
                else:
                    image, box = _tight_crop(image, box, rng)
            window = _window(kind, image.shape, box, max(length, 1), size, rng, augment, hardness)
        picture = cut(image, window, size)
        high = (box[3] - box[1]) * window.scale if length and window.whole else 0
        windows[i, ..., 0] = spoiled(picture, high, rng) if augment else picture
        if rng.random() < BLACK:
            windows[i, ..., 0] *= inside(image.shape, window, size)
        if window.whole and length:
            found[i] = seen_box(box, window, size)
    return windows, found


def scene_window(box, rng) -> tuple[float, float, float, float]:
    """Returns (left, top, right, bottom) of a picture around a number, of the sides' ratio of `SCENE`.

    It shows as much around the number as rendered scenes do (`rendering.training_scenes.render_scene`), and may reach
    beyond the photograph.

    Args:
        box: (left, top, right, bottom) of the number in its photograph.
    """
    sides, ratio = np.array([max(box[2] - box[0], 1), max(box[3] - box[1], 1)], float), SCENE[1] / SCENE[0]
    height = sides[1] / math.exp(rng.uniform(*np.log(SHARES_OF_HEIGHT)))
    height = max(height, sides[0] / MOST_OF_WIDTH / ratio)
    full = np.array([height * ratio, height])
    corner = np.array(box[:2]) - (full - sides) * rng.uniform(0.15, 0.85, 2)
    return *corner.tolist(), *(corner + full).tolist()


def cut(image, window: Window, size) -> np.ndarray:
    """Returns a window of an image uint8 [H, W] as uint8 of `size`; smoothed where it shrinks, the border repeated."""
    if window.scale < 0.8:
        image = cv2.GaussianBlur(image, (0, 0), 0.45 * math.sqrt(window.scale**-2 - 1))
    return _warp(image, window, size, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)


def inside(shape, window: Window, size) -> np.ndarray:
    """Returns where a window shows an image of `shape` and not what is beyond its border: uint8 of `size`, 1 or 0."""
    return _warp(np.ones(shape, np.uint8), window, size, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT)


def seen_box(box, window: Window, size) -> np.ndarray:
    """Returns the upright box around a picture's box as a window shows it, in parts of the window's sides: [4]."""
    corners = np.array([(x, y) for x in box[::2] for y in box[1::2]])
    seen = np.linalg.solve(window.matrix[:, :2], (corners - window.matrix[:, 2]).T).T / size[::-1]
    return np.concatenate([seen.min(axis=0), seen.max(axis=0)]).clip(0, 1)


def _warp(image, window: Window, size, interpolation: int, border: int) -> np.ndarray:
    shift = window.matrix[:, :2] @ (0.5, 0.5) - 0.5  # OpenCV's pixels have their middles at integers
    matrix = np.column_stack([window.matrix[:, :2], window.matrix[:, 2] + shift])
    return cv2.warpAffine(image, matrix, size[::-1], flags=interpolation | cv2.WARP_INVERSE_MAP, borderMode=border)


def _window(kind: int, shape, box, length: int, size, rng, augment: bool, hardness: float = 1.0) -> Window:
    sides = np.array([box[2] - box[0], box[3] - box[1]], float)  # width, height
    middle, full, turn = (box[:2] + box[2:]) / 2, np.array(size[::-1], float), _turn(rng, augment)
    seen = np.abs(np.linalg.inv(turn))  # of the picture by a window of scale 1
    around, along = seen @ sides, seen.diagonal() * sides  # upright box around the number; its own width and height
    margins = np.array([SIDE_MARGIN, END_MARGIN]) * along[1]
    fits = float((full / (around + 2 * margins)).min())
    smallest = EASIEST + (SMALLEST - EASIEST) * hardness
    least = min(max(smallest * fits, LEAST_PIXELS / along[1]), fits)
    scale = math.exp(rng.uniform(math.log(least), math.log(min(fits, max(CLOSEST_ZOOM, least)))))
    if kind == WHOLE:
        room = full / scale - around - 2 * margins
        return _placed(middle, hardness * room / 2 * _centred(rng), scale, turn, full, whole=True)
    if kind == CUT:
        off = _cutting(along, along[0] / length, full / scale, rng)
        return _placed(middle, off * rng.choice([-1, 1], 2), scale, turn, full)
    if kind == CLOSE:
        digit = along[0] / length
        across = full[0] / max(along[0] - digit / 2, digit / 4)
        closer = min(across, 1.3 * full[1] / along[1]) * math.exp(rng.uniform(0, 0.7))
        return _placed(middle, _centred(rng) * 0.2 * along, closer, turn, full)
    if kind == FAR:
        return _placed(middle, _centred(rng) * along, rng.uniform(*UNREADABLE) / along[1], turn, full)
    for _ in range(TRIALS):
        window = _anywhere(shape, size, rng, augment)
        if not _touches(window, box, full):
            return window
    return _window(CUT, shape, box, length, size, rng, augment)


def _cutting(sides, digit: float, full, rng) -> np.ndarray:
    """Returns how far from a number's middle that of a window lies which cuts it at the left, or else at the top.

    Args:
        sides: (width, height) of the number, in the window's directions.
        full: (width, height) of the window, in the same unit.
    """
    if rng.random() < 0.75:
        lost = rng.uniform(CUT_DIGIT * digit, max(sides[0] - 0.2 * digit, 0.5 * sides[0]))
        return np.array([sides[0] / 2 + full[0] / 2 - (sides[0] - lost), rng.normal(0, 0.1) * full[1]])
    lost = rng.uniform(0.25, 0.8) * sides[1]
    return np.array([rng.normal(0, 0.1) * full[0], sides[1] / 2 + full[1] / 2 - (sides[1] - lost)])


def _anywhere(shape, size, rng, augment: bool) -> Window:
    """Returns a window anywhere in a picture of `shape`, at any scale at which the picture fills most of it."""
    full, sides = np.array(size[::-1], float), np.array(shape[::-1], float)
    scale = math.exp(rng.uniform(math.log(0.8 * (full / sides).max()), math.log(CLOSEST_ZOOM)))
    middle = sides / 2 + rng.uniform(-0.5, 0.5, 2) * np.maximum(sides - full / scale, 0)
    return _placed(middle, np.zeros(2), scale, _turn(rng, augment), full)


def _touches(window: Window, box, full) -> bool:
    """Whether a window holds anything of a box."""
    found = (
        np.array([(x, y) for x in (0, full[0]) for y in (0, full[1])]) @ window.matrix[:, :2].T + window.matrix[:, 2]
    )
    low, high = found.min(axis=0), found.max(axis=0)
    return bool((low < box[2:]).all() and (high > box[:2]).all())


def _turn(rng, augment: bool) -> np.ndarray:
    """Returns what takes a window's directions to the picture's: [2, 2], of rotation, shear and aspect."""
    if not augment:
        return np.eye(2)
    angle, shear = rng.uniform(-ROTATION, ROTATION), rng.uniform(-SHEAR, SHEAR)
    most = SQUEEZE if rng.random() < SQUEEZED else ASPECT
    aspect = math.exp(rng.uniform(-most, most))
    turn = np.array([[math.cos(angle), shear - math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return turn * np.array([aspect, 1 / aspect])[:, None]


def _placed(middle, off, scale: float, turn, full, whole: bool = False) -> Window:
    """Returns the window whose middle lies `off` the point `middle` of the picture, in the window's directions."""
    linear = turn / scale
    return Window(np.column_stack([linear, middle + turn @ off - linear @ (full / 2)]), scale, whole)


def _centred(rng) -> np.ndarray:
    """Returns two numbers in (-1, 1), more of them near 0."""
    return rng.uniform(-0.5, 0.5, 2) + rng.uniform(-0.5, 0.5, 2)


def _tight_crop(image, box, rng):
    """Returns what a crop just around the number keeps of a picture, and the number's box in it."""
    room = (box[3] - box[1]) * rng.uniform(*TIGHT_ROOM, 4)
    corners = np.concatenate([np.floor(box[:2] - room[:2]), np.ceil(box[2:] + room[2:])]).astype(int)
    left, top, right, bottom = np.clip(corners, 0, (image.shape[1], image.shape[0]) * 2)
    return image[top:bottom, left:right], box - (left, top) * 2
