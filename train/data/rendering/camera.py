"""From a scene to a photograph: the view, the light, and all that a camera in the street takes away."""

import math

import cv2
import numpy as np

from train.data.rendering.paint import noise, ramp


def view(rng, centre, spread: float = 1.0):
    """Returns a 3 x 3 homography of (x, y, 1): the scene about `centre`, as seen from somewhere in the street.

    `spread` tells how far from straight on: at 1, a standard deviation of 4 degrees.
    """
    angle, squeeze, shear, *tilt = (rng.standard_normal(5) * spread * (math.radians(4), 0.1, 0.05, 0.08, 0.08)).tolist()
    turn = np.array(
        [
            [math.cos(angle) * math.exp(squeeze), shear - math.sin(angle), 0],
            [math.sin(angle), math.cos(angle), 0],
            [tilt[0] / centre[0], tilt[1] / centre[1], 1],
        ]
    )
    return translation(*centre) @ turn @ translation(-centre[0], -centre[1])


def translation(x: float, y: float):
    """Returns the 3 x 3 matrix that moves by (x, y)."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def seen_boxes(matrix, boxes):
    """Returns the upright boxes [n, 4] around boxes [n, 4], (left, top, right, bottom), seen through a homography."""
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    seen = cv2.perspectiveTransform(corners, matrix)
    return np.concatenate([seen.min(1), seen.max(1)], axis=1)


def warp(surface, matrix, size):
    """Returns the surface float32 [h, w], seen through a homography, as float32 of `size` (height, width).

    Where the picture reaches beyond the surface, the surface goes on as its own mirror image.
    """
    matrix = translation(-0.5, -0.5) @ matrix @ translation(0.5, 0.5)  # OpenCV's pixels have their middles at integers
    return cv2.warpPerspective(surface, matrix, size[::-1], borderMode=cv2.BORDER_REFLECT)


def lit(rng, surface):
    """Returns the surface float32 [h, w] under uneven light; now and then the edge of a shadow crosses it."""
    height, width = surface.shape
    down, across = ramp(height)[:, None], ramp(width)
    light = (1 + rng.normal(0, 0.1) * down) + rng.normal(0, 0.1) * across
    if rng.random() < 0.12:
        angle = rng.uniform(0, 2 * math.pi)
        depth = math.cos(angle) * across + math.sin(angle) * down - rng.normal(0, 0.5)
        light *= 1 - rng.uniform(0.15, 0.55) * np.clip(depth * rng.uniform(4, 20), 0, 1)
    return surface * light


def photograph(rng, picture, height: float):
    """Returns a picture float32 [h, w], its digits `height` pixels high, as a cheap camera would keep it: uint8."""
    picture = cv2.GaussianBlur(picture, (0, 0), min(0.015 + rng.gamma(2, 0.013), 0.07) * height)
    if rng.random() < 0.12 and height > 24:
        picture = cv2.filter2D(picture, -1, _motion(rng))
    if rng.random() < 0.08:
        picture += (picture - cv2.GaussianBlur(picture, (0, 0), 2)) * rng.uniform(0.6, 2)
    picture = lit(rng, picture)
    if rng.random() < 0.7:
        picture += noise(rng, picture.shape) * rng.gamma(1.5, 0.9)
    picture = as_bytes(picture)
    return stored(picture, int(rng.integers(25, 90))) if rng.random() < 0.6 else picture


def exposed(rng, picture):
    """Returns a picture float32 [h, w], now and then too dark, too light or in a haze."""
    kind = rng.random()
    if kind < 0.08:  # dusk, or shadow
        return picture * rng.uniform(0.15, 0.6)
    if kind < 0.12:  # haze, or glass before it
        share = rng.uniform(0.3, 0.8)
        return picture * share + (1 - share) * rng.uniform(30, 230)
    if kind < 0.16:  # too long: what is light comes near to white
        gain = rng.uniform(1.2, 3.0)
        return 255 * (1 - np.exp(picture * (-gain / 255)))
    return picture


def _motion(rng):
    """Returns a filter that smears five pixels along a random line."""
    angle = rng.uniform(0, math.pi)
    kernel = np.zeros((5, 5))
    for step in np.linspace(-2, 2, 9):
        kernel[round(2 + step * math.sin(angle)), round(2 + step * math.cos(angle))] = 1
    return kernel / kernel.sum()


def as_bytes(values):
    """Returns values [h, w] as uint8, rounded and cut off at 0 and 255."""
    return cv2.add(values, 0.0, dtype=cv2.CV_8U)


def stored(picture, quality: int):
    """Returns a picture uint8 [h, w] as JPEG of this quality keeps it."""
    _, file = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)
