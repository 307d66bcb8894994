"""Real house numbers in rendered surroundings: whole photographs around patches that were cut from photographs.

What is real of such a patch is the square about each digit; the rest of it was filled in. The patch goes back to its
place, and a rendered wall goes on where its real pixels end, as bright, as blurred and as noisy as they are, so that
nothing but the digits tells where the number is.
"""

import math
import zlib
from functools import partial

import numpy as np
from PIL import Image, ImageFilter

from train.data.rendering import camera, surroundings
from train.data.rendering.paint import noise
from train.data.rendering.typefaces import draw_type_face

PLATES = 0.4  # share of numbers on a sign that ends near them, like most that are seen on houses
FADE = 3  # pixels within which strokes that a patch's border cuts fade away
BLURS = (0.0, 0.5, 0.7, 0.9, 1.1, 1.4, 1.8, 2.3, 3.0)  # blurs that are tried for a likeness, in pixels


def photograph_of_entry(patch, entry: dict, smallest) -> tuple[np.ndarray, np.ndarray]:
    """Returns the photograph and box of an entry: by its file's name, and at least `smallest` (height, width) large."""
    rng = np.random.default_rng(zlib.crc32(entry["file"].encode()))
    image, box = semi_real_photograph(rng, patch, entry)
    rows, columns = image.shape
    factor = max(1.0, smallest[0] / rows, smallest[1] / columns)
    if factor == 1:
        return image, box
    size = math.ceil(columns * factor), math.ceil(rows * factor)
    enlarged = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(enlarged), (box * ((size[0] / columns, size[1] / rows) * 2)).astype(np.float32)


def semi_real_photograph(rng, patch, entry: dict) -> tuple[np.ndarray, np.ndarray]:
    """Returns a photograph around a patch of real pixels.

    It is made at the patch's own resolution and brought to the photograph's as a whole, so that resampling leaves the
    same traces everywhere.

    Args:
        patch: uint8 [h, w].
        entry: where it lay: `frame_size` [width, height] of the photograph, `frame_origin` [x, y] of the patch's upper
            left corner in it, `scale` (patch pixels to a photograph's pixel), and `boxes`, a list of `left`, `top`,
            `width` and `height` of the digits in patch pixels.

    Returns:
        The image, uint8 [frame height, frame width], and float32 [4], the number's (left, top, right, bottom) in it.
    """
    (columns, rows), scale = entry["frame_size"], entry["scale"]
    shape = max(round(rows * scale), patch.shape[0]), max(round(columns * scale), patch.shape[1])
    left = min(max(round(entry["frame_origin"][0] * scale), 0), shape[1] - patch.shape[1])
    top = min(max(round(entry["frame_origin"][1] * scale), 0), shape[0] - patch.shape[0])
    place = np.s_[top : top + patch.shape[0], left : left + patch.shape[1]]
    boxes = digit_boxes(entry)
    real = real_pixels(patch.shape, boxes)
    known, pixels = np.zeros(shape, bool), np.zeros(shape, np.float32)
    known[place], pixels[place] = real, patch

    height = float(np.mean(boxes[:, 3] - boxes[:, 1]))
    scene = _scene(rng, shape, (left, top, left + patch.shape[1], top + patch.shape[0]), patch, real, height)
    scene = _alike(rng, scene, patch, real)
    image = continued(scene, pixels, known)
    picture = Image.fromarray(camera.as_bytes(image)).resize((columns, rows), Image.Resampling.BICUBIC)
    box = np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)]) + (left, top) * 2
    box = np.clip(box * ((columns / shape[1], rows / shape[0]) * 2), 0, (columns, rows) * 2)
    return camera.stored(np.asarray(picture), int(rng.integers(70, 96))), box.astype(np.float32)


def digit_boxes(entry: dict) -> np.ndarray:
    """Returns float64 [digits, 4]: (left, top, right, bottom) of an entry's digits in its patch."""
    sides = [[box[side] for side in ("left", "top", "width", "height")] for box in entry["boxes"]]
    left, top, width, height = np.array(sides, float).reshape(-1, 4).T
    return np.stack([left, top, left + width, top + height], axis=1)


def real_pixels(shape, boxes) -> np.ndarray:
    """Returns a mask bool [h, w] of a patch: the square about each digit's box (left, top, right, bottom)."""
    real = np.zeros(shape, bool)
    for left, top, right, bottom in boxes:
        half, x, y = max(right - left, bottom - top) / 2, (left + right) / 2, (top + bottom) / 2
        real[max(round(y - half), 0) : round(y + half), max(round(x - half), 0) : round(x + half)] = True
    return real


def continued(scene, pixels, known) -> np.ndarray:
    """Returns `pixels` where they are known, and elsewhere the scene, shaded so that it goes on where they end.

    What most of the border has in common reaches far; strokes and edges that it cuts fade within a few pixels.

    Args:
        scene: float32 [h, w].
        pixels: float32 [h, w].
        known: bool [h, w], where `pixels` holds something.
    """
    weights = known.astype(np.float32)
    change = (pixels - scene) * weights
    usual = np.clip(change, *np.percentile(change[_border(known)], (15, 85))) * weights
    coarse = [math.ceil(side / FADE) for side in known.shape]
    cut, near = (_resized(_resized(array, coarse), known.shape) for array in (change - usual, weights))
    faded = cut * np.minimum(2 * near, 1) / np.maximum(near, 1e-6)
    return np.where(known, pixels, scene + _spread(usual, weights) + faded)


def _border(mask) -> np.ndarray:
    """Returns which pixels of a mask bool [h, w] touch one that is not in it."""
    wide = np.pad(mask, 1)
    return mask & ~(wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:])


def _spread(values, weights) -> np.ndarray:
    """Returns values [h, w], multiplied with weights from 0 to 1, spread smoothly to where these are zero."""
    if weights.min() == 1 or max(weights.shape) == 1:
        return values / np.maximum(weights, 1e-6)
    half = [math.ceil(side / 2) for side in weights.shape]
    coarse_values, coarse_weights = _resized(values, half), _resized(weights, half)
    share = np.minimum(2 * coarse_weights, 1) / np.maximum(coarse_weights, 1e-6)
    far = _spread(coarse_values * share, coarse_weights * share)
    return values + (1 - weights) * _resized(far, weights.shape)


def _resized(array, shape) -> np.ndarray:
    """Returns float32 [h, w] at another (h, w)."""
    return np.asarray(Image.fromarray(array).resize(shape[::-1], Image.Resampling.BILINEAR))


def _scene(rng, shape, box, patch, real, height: float) -> np.ndarray:
    """Returns a house front float32 [h, w] in the brightness of the patch's border, nothing on it covering `box`."""
    ground = patch[_border(real)]
    tone, spread = float(np.median(ground)), float(np.percentile(ground, 75) - np.percentile(ground, 25))
    draw_face = partial(draw_type_face, rng, "test")
    if rng.random() < PLATES:
        scene = surroundings.wall(rng, shape, height, rng.uniform(20, 235))
        surroundings.facade(rng, scene, height, draw_face)
        grow = 0.1 * (box[2] - box[0]), 0.1 * (box[3] - box[1])
        surroundings.plate(rng, scene, (*np.subtract(box[:2], grow), *np.add(box[2:], grow)), height, tone)
    else:
        scene = surroundings.wall(rng, shape, height, tone, min(spread / 40, 1.0))
        around = round(0.3 * height)
        keep = (max(box[0] - around, 0), max(box[1] - around, 0), box[2] + around, box[3] + around)
        surroundings.facade(rng, scene, height, draw_face, keep)
    return camera.lit(rng, scene)


def _alike(rng, scene, patch, real) -> np.ndarray:
    """Returns the scene [h, w], blurred and noisy like a patch's real pixels."""
    target = _sharpness(patch.astype(np.float32), real)
    picture = Image.fromarray(camera.as_bytes(scene))
    everywhere = np.ones(scene.shape, bool)
    tried = [np.asarray(picture.filter(ImageFilter.GaussianBlur(blur)), np.float32) for blur in BLURS]
    scene = min(tried, key=lambda blurred: abs(_sharpness(blurred, everywhere) - target))
    missing = _noise_level(patch.astype(np.float32), real) ** 2 - _noise_level(scene, everywhere) ** 2
    return scene + noise(rng, scene.shape) * math.sqrt(max(missing, 0))


def _sharpness(pixels, chosen) -> float:
    """Returns how much of the change over two pixels happens over one: a quarter where all is smooth, more at edges."""
    near = far = 1e-6
    for values, mask in ((pixels, chosen), (pixels.T, chosen.T)):
        inside = mask[2:] & mask[1:-1] & mask[:-2]
        near += ((values[1:-1] - values[:-2])[inside] ** 2).sum()
        far += ((values[2:] - values[:-2])[inside] ** 2).sum()
    return near / far


def _noise_level(pixels, chosen) -> float:
    """Returns the standard deviation of what is independent from pixel to pixel, where least changes."""
    crossed = pixels[1:, 1:] - pixels[1:, :-1] - pixels[:-1, 1:] + pixels[:-1, :-1]
    inside = chosen[1:, 1:] & chosen[1:, :-1] & chosen[:-1, 1:] & chosen[:-1, :-1]
    return float(np.percentile(np.abs(crossed[inside]), 15)) / 0.1891 / 2 if inside.any() else 0.0
