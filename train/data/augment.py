"""Random windows of images of numbers: shifted, scaled, turned, sheared, re-lit. The label never changes."""

import numpy as np
from PIL import Image

MARGIN = 16  # pixels of repeated border, so that a turned window shows no corner of nothing
SCALE = (-0.05, 0.18)  # of the logarithm; rather wider than closer, since numbers fill their crops from top to bottom
ASPECT, ROTATION, SHEAR = 0.08, np.deg2rad(6), 0.12
CONTRAST, BRIGHTNESS, NOISE = (0.6, 1.4), 40.0, 5.0


def random_windows(images, window, rng, augment: bool) -> np.ndarray:
    """Returns one window of each image.

    Args:
        images: uint8 [n, H, W, C].
        window: (height, width) of the result.
        augment: whether windows are turned, scaled and re-lit too, and not only shifted.

    Returns:
        uint8 [n, *window, C].
    """
    slack = np.array(images.shape[1:3]) - window
    if not augment:
        corners = rng.integers(slack + 1, size=(len(images), 2))
        return np.stack([im[y : y + window[0], x : x + window[1]] for im, (y, x) in zip(images, corners)])
    matrices = _affine(len(images), images.shape[1:3], window, rng)
    padded = np.pad(images, [(0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)], mode="edge")
    windows = np.stack([_warp(image, matrix, window) for image, matrix in zip(padded, matrices)])
    return _relight(windows, rng)


def _affine(count: int, size, window, rng) -> np.ndarray:
    """Returns [n, 6]: for each window, (x, y) in the padded image = (a x + b y + c, d x + e y + f)."""
    slack = (np.array(size) - window) / 2
    angle = rng.uniform(-ROTATION, ROTATION, count)
    shear = rng.uniform(-SHEAR, SHEAR, count)
    scale = np.exp(rng.uniform(*SCALE, count))
    aspect = np.exp(rng.uniform(-ASPECT, ASPECT, count))
    centre = np.array(size) / 2 + MARGIN + rng.uniform(-1, 1, (count, 2)) * slack
    a, b = scale * aspect * np.cos(angle), scale * (shear - np.sin(angle))
    d, e = scale * np.sin(angle), scale / aspect * np.cos(angle)
    half_height, half_width = window[0] / 2, window[1] / 2
    c = centre[:, 1] - a * half_width - b * half_height
    f = centre[:, 0] - d * half_width - e * half_height
    return np.stack([a, b, c, d, e, f], axis=1)


def _warp(image: np.ndarray, matrix: np.ndarray, window) -> np.ndarray:
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    size = (window[1], window[0])
    warped = picture.transform(size, Image.Transform.AFFINE, tuple(matrix), Image.Resampling.BILINEAR)
    return np.asarray(warped).reshape(*window, image.shape[-1])


def _relight(windows: np.ndarray, rng) -> np.ndarray:
    """Returns windows with random contrast, brightness, polarity and noise."""
    shape = (len(windows), 1, 1, 1)
    values = windows.astype(np.float32)
    mean = values.mean(axis=(1, 2, 3), keepdims=True)
    contrast = rng.uniform(*CONTRAST, shape) * rng.choice([-1.0, 1.0], shape)  # light on dark as often as dark on light
    values = (values - mean) * contrast + mean + rng.uniform(-BRIGHTNESS, BRIGHTNESS, shape)
    noise = rng.standard_normal(windows.shape, np.float32) * rng.uniform(0, NOISE, shape)
    return np.clip(values + noise, 0, 255).astype(np.uint8)
