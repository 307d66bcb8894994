"""Takes from a training window what light, distance and storage take away, so that a network reads without it."""

import math

import cv2
import numpy as np

from train.data.rendering.paint import ramp

BLURRED, COARSER, FAINT, UNEVEN, NOISY, STORED = 0.25, 0.25, 0.2, 0.2, 0.5, 0.2  # shares of the windows
SHARPEST, SOFTEST = 0.3, 1.4  # standard deviation of the blur, in pixels
SOFTEST_OF_HEIGHT = 0.085  # the same for large numbers, in heights of the number
COARSEST, LEAST_PIXELS = 0.25, 7  # least size that a window is brought to, and pixels that a number's height keeps
FAINTEST, CONTRAST = 0.2, (0.7, 1.4)  # factors of the contrast
TONE, SLOPE, NOISE = 40, 40, 6  # grey levels of 255: shift, that of uneven light, standard deviation of the noise
QUALITY = (25, 90)  # of JPEG


def spoiled(picture, height: float, rng) -> np.ndarray:
    """Returns a window uint8 [h, w] re-lit, and now and then blurred, coarser, faint, noisy or stored as JPEG.

    Args:
        picture: uint8 [h, w].
        height: of its number, in pixels; 0 where there is none.
    """
    values = picture.astype(np.float32)
    if rng.random() < BLURRED:
        softest = max(SOFTEST, SOFTEST_OF_HEIGHT * height)
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(SHARPEST, softest))
    if rng.random() < COARSER:
        values = _coarser(values, height, rng)
    contrast = rng.uniform(*CONTRAST)
    if rng.random() < FAINT:
        contrast = math.exp(rng.uniform(math.log(FAINTEST), math.log(CONTRAST[0])))
    sign = rng.choice([-1, 1])  # light on dark as often as dark on light
    mean = float(values.mean())
    values = (values - mean) * (sign * contrast) + (mean if sign > 0 else 255 - mean) + rng.uniform(-TONE, TONE)
    if rng.random() < UNEVEN:
        down, across = ramp(values.shape[0])[:, None], ramp(values.shape[1])
        values = values + rng.uniform(-SLOPE, SLOPE) * down + rng.uniform(-SLOPE, SLOPE) * across
    if rng.random() < NOISY:
        most = NOISE * min(contrast, 1)
        values += rng.standard_normal(values.shape, np.float32) * rng.uniform(0, most)
    stored = np.clip(values, 0, 255).astype(np.uint8)
    if rng.random() < STORED:
        _, file = cv2.imencode(".jpg", stored, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*QUALITY))))
        stored = cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)
    return stored


def _coarser(values, height: float, rng) -> np.ndarray:
    """Returns values [h, w] as they come back from a smaller picture, in which the number can still be read."""
    least = min(max(COARSEST, LEAST_PIXELS / max(height, 1)), 0.9)
    factor = math.exp(rng.uniform(math.log(least), math.log(0.9)))
    small = cv2.resize(values, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    smooth = cv2.INTER_CUBIC if rng.random() < 0.3 else cv2.INTER_LINEAR
    return cv2.resize(small, values.shape[::-1], interpolation=smooth)
