"""Bright shapes of twelve kinds, small and turned, on dark grounds with clutter: images to try a classifier on."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = (64, 96)  # (height, width) of an image
FINE = 3  # pixels that are drawn for each pixel of an image
RADIUS = (7.0, 9.0)  # of a shape, in pixels
DISTRACTORS = (4, 9)  # pieces of clutter, from and to
DARK, BRIGHT = (0, 110), (110, 256)  # values of a ground's channels, and of a shape's


def _polygon(corners: int, inner: float = 0.0):
    """Returns the corners of a regular polygon, or with `inner` radius those of a star, on the unit circle."""
    radii = [1.0, inner] * corners if inner else [1.0] * corners
    turn = 2 * math.pi / len(radii)
    angles = [i * turn for i in range(len(radii))]
    return [(radius * math.sin(angle), -radius * math.cos(angle)) for radius, angle in zip(radii, angles)]


def _circle(first: float = 0.0, last: float = 360.0, radius: float = 1.0, x: float = 0.0):
    """Returns points of an arc, in degrees."""
    angles = np.deg2rad(np.linspace(first, last, 40))
    return [(x + radius * math.sin(a), -radius * math.cos(a)) for a in angles]


_HEART_HALF = [(0.35, -0.85), (0.8, -0.75), (1.0, -0.1)]
_HEART = [(0.0, 1.0), *((-x, y) for x, y in reversed(_HEART_HALF)), (0.0, -0.4), *_HEART_HALF]
_ARROW = [(0.0, -1.0), (0.8, 0.0), (0.3, 0.0), (0.3, 1.0), (-0.3, 1.0), (-0.3, 0.0), (-0.8, 0.0)]
_PLUS = [(0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3), (0.3, 0.3), (0.3, 1)]
_PLUS += [(-x, -y) for x, y in _PLUS]
# Name -> outlines; the second of two is cut out of the first.
SHAPES = {
    "arrow": [_ARROW],
    "circle": [_circle()],
    "crescent": [_circle(), _circle(radius=0.8, x=0.45)],
    "cross": [_PLUS],
    "diamond": [[(0.0, -1.0), (0.55, 0.0), (0.0, 1.0), (-0.55, 0.0)]],
    "half_disc": [_circle(-90, 90)],
    "heart": [_HEART],
    "hexagon": [_polygon(6)],
    "ring": [_circle(), _circle(radius=0.55)],
    "square": [_polygon(4)],
    "star": [_polygon(5, inner=0.42)],
    "triangle": [_polygon(3)],
}
NAMES = tuple(SHAPES)


def render_shape(name: str, rng: np.random.Generator) -> np.ndarray:
    """Returns an image uint8 [64, 96, 3] of one shape among clutter."""
    height, width = (side * FINE for side in SIZE)
    image = _ground(rng, (width, height))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.integers(*DISTRACTORS)):
        _distract(pen, rng, width, height)
    radius = rng.uniform(*RADIUS) * FINE
    centre = rng.uniform(radius, width - radius), rng.uniform(radius, height - radius)
    mask = Image.new("L", image.size)
    _draw(ImageDraw.Draw(mask), SHAPES[name], centre, radius, rng.uniform(0, 2 * math.pi))
    image.paste(_colour(rng, *BRIGHT), mask=mask)
    small = image.resize(SIZE[::-1], Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.5)))
    noise = rng.normal(0, rng.uniform(2, 10), (*SIZE, 3))
    return np.clip(np.asarray(small) + noise, 0, 255).astype(np.uint8)


def _draw(pen, outlines, centre, radius, angle):
    cos, sin = math.cos(angle) * radius, math.sin(angle) * radius
    for fill, outline in zip((255, 0), outlines):
        pen.polygon([(centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos) for x, y in outline], fill=fill)


def _ground(rng, size):
    """Returns a dark picture whose colour changes from one side to the other."""
    one, other = _colour(rng, *DARK), _colour(rng, *DARK)
    share = Image.linear_gradient("L").rotate(rng.uniform(0, 360)).resize(size)
    return Image.composite(Image.new("RGB", size, one), Image.new("RGB", size, other), share)


def _distract(pen, rng, width, height):
    """Draws a line, or a small piece of a shape's outline, which is no shape."""
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    reach = rng.uniform(2, 8, 2) * FINE
    if rng.random() < 0.5:
        end = x + rng.choice([-1, 1]) * reach[0], y + rng.choice([-1, 1]) * reach[1]
        pen.line((x, y, *end), fill=_colour(rng), width=int(rng.integers(1, 4)) * FINE // 2)
    else:
        start = rng.uniform(0, 360)
        box = (x - reach[0], y - reach[0], x + reach[0], y + reach[0])
        pen.arc(box, start, start + rng.uniform(40, 140), fill=_colour(rng), width=int(rng.integers(2, 5)) * FINE // 2)


def _colour(rng, least: int = 0, most: int = 256) -> tuple[int, int, int]:
    return tuple(int(value) for value in rng.integers(least, most, 3))


def render_set(count: int):
    """Yields (name, image uint8 [64, 96, 3]) of `count` images, as many of every kind; image i depends on i alone."""
    for i in range(count):
        yield NAMES[i % len(NAMES)], render_shape(NAMES[i % len(NAMES)], np.random.default_rng([0, 12, i]))
