"""From a scene to a photograph: the view, the light, and all that a camera in the street takes away."""

import io
import math

import numpy as np
from PIL import Image, ImageFilter

from train.data.rendering.paint import noise, ramp


def view(rng, centre, spread: float = 1.0):
    """Returns a 3 x 3 homography of (x, y, 1): the scene about `centre`, as seen from somewhere in the street.

    `spread` tells how far from straight on: at 1, a standard deviation of 4 degrees.
    """
    angle, squeeze, shear = rng.normal(0, (math.radians(4) * spread, 0.1 * spread, 0.05 * spread))
    tilt_x, tilt_y = rng.normal(0, 0.08 * spread, 2) / centre
    turn = np.array(
        [
            [math.cos(angle) * math.exp(squeeze), shear - math.sin(angle), 0],
            [math.sin(angle), math.cos(angle), 0],
            [tilt_x, tilt_y, 1],
        ]
    )
    return translation(*centre) @ turn @ translation(-centre[0], -centre[1])


def translation(x: float, y: float):
    """Returns the 3 x 3 matrix that moves by (x, y)."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def seen_boxes(matrix, boxes):
    """Returns the upright boxes [n, 4] around boxes [n, 4], (left, top, right, bottom), seen through a homography."""
    corners = boxes[:, [[0, 2, 2, 0], [1, 1, 3, 3]]]  # [n, 2, 4]
    x, y, w = np.moveaxis(matrix[:, :2] @ corners + matrix[:, 2:], 1, 0)
    seen = np.array([x / w, y / w])  # [2, n, 4]
    return np.concatenate([seen.min(2), seen.max(2)]).T


def warp(surface, matrix, size) -> Image.Image:
    """Returns the surface float32 [h, w], seen through a homography, as a grey picture of `size` (height, width).

    Where the picture reaches beyond the surface, the surface goes on as its own mirror image.
    """
    inverse = np.linalg.inv(matrix)
    x, y, w = inverse @ np.array([[0, size[1], size[1], 0], [0, 0, size[0], size[0]], [1, 1, 1, 1]])
    x, y = x / w, y / w
    before = max(0, math.ceil(1 - y.min())), max(0, math.ceil(1 - x.min()))
    after = max(0, math.ceil(1 + y.max()) - surface.shape[0]), max(0, math.ceil(1 + x.max()) - surface.shape[1])
    values = np.clip(surface, 0, 255, out=np.empty(surface.shape, np.uint8), casting="unsafe")
    for axis in (0, 1):
        if before[axis] or after[axis]:
            values = values.take(_mirrored(surface.shape[axis], before[axis], after[axis]), axis)
    inverse = translation(before[1], before[0]) @ inverse
    coefficients = (inverse / inverse[2, 2]).ravel()[:8]
    transform = Image.Transform.PERSPECTIVE
    return Image.fromarray(values).transform((size[1], size[0]), transform, coefficients, Image.Resampling.BILINEAR)


def _mirrored(count: int, before: int, after: int):
    """Returns indices -before, ..., count + after - 1 of `count` things, reflected at both ends."""
    indices = np.arange(-before, count + after) % (2 * count)
    return np.minimum(indices, 2 * count - 1 - indices)


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


def photograph(rng, picture: Image.Image, height: float) -> Image.Image:
    """Returns a grey picture as a cheap camera would have stored it, its digits `height` pixels high."""
    picture = picture.filter(ImageFilter.GaussianBlur(min(0.015 + rng.gamma(2, 0.013), 0.07) * height))
    if rng.random() < 0.12 and height > 24:
        picture = picture.filter(_motion(rng))
    if rng.random() < 0.08:
        picture = picture.filter(ImageFilter.UnsharpMask(2, int(rng.integers(60, 200)), 0))
    values = lit(rng, np.asarray(picture, np.float32))
    if rng.random() < 0.7:
        values += noise(rng, values.shape) * rng.gamma(1.5, 0.9)
    picture = Image.fromarray(np.clip(values, 0, 255, out=np.empty(values.shape, np.uint8), casting="unsafe"))
    return stored(picture, int(rng.integers(25, 90))) if rng.random() < 0.6 else picture


def _motion(rng) -> ImageFilter.Kernel:
    """Returns a filter that smears five pixels along a random line."""
    angle = rng.uniform(0, math.pi)
    kernel = np.zeros((5, 5))
    for step in np.linspace(-2, 2, 9):
        kernel[round(2 + step * math.sin(angle)), round(2 + step * math.cos(angle))] = 1
    return ImageFilter.Kernel((5, 5), kernel.ravel().tolist())


def stored(picture: Image.Image, quality: int) -> Image.Image:
    """Returns a picture as JPEG of this quality keeps it."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    stored = Image.open(file, formats=("JPEG",))
    stored.load()
    return stored
