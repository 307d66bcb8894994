"""Parts of images and maps that are cut by indexing, with nothing computed."""

import functools
import math
from typing import Any

import numpy as np

WORDS = {16: np.complex128, 8: np.uint64, 4: np.uint32}  # bytes -> type, to be copied; other runs as wholes

MOST_COUNTS = 16  # numbers of windows that room is kept for


def windows_of(canvas, first, stride, size, counts) -> np.ndarray:
    """Returns a view of the windows that lie on a canvas at a regular distance.

    Args:
        canvas: [H, W, C].
        first: (row, column) where the first window begins.
        stride: (vertical, horizontal) distance of neighbouring windows.
        size: (height, width) of a window.
        counts: (vertical, horizontal) number of windows.

    Returns:
        [*counts, *size, C].
    """
    windows = np.lib.stride_tricks.sliding_window_view(canvas, size, axis=(0, 1))  # [., ., C, height, width]
    places = tuple(slice(f, f + (n - 1) * s + 1, s) for f, s, n in zip(first, stride, counts))
    return np.moveaxis(windows[places], 2, 4)


def laid_out_shape(layout: dict | None, shape) -> tuple[int, int, int]:
    """Returns the shape that an image, (height, width, channels), has for a model, see `Layout`."""
    if layout is None:
        return tuple(shape)
    sizes = (n + sum(sides) for n, sides in zip(shape, layout["margins"]))
    groups = (max(0, (n - size) // step + 1) for n, size, step in zip(sizes, layout["group"], layout["step"]))
    return (*groups, math.prod(layout["group"]) * shape[2])


class Layout:
    """Images of one size, laid out as a model takes them: the pixels that a place of its map sees side by side.

    Args:
        layout: the manifest's: `margins`, width of zeros around an image, ((top, bottom), (left, right)); `group`, the
            (rows, pixels of a row) that are laid out together, row by row; `step`, how far groups are apart,
            (vertical, horizontal). None: the images as they are.
        image_shape: (height, width, channels).
        dtype, zero: of the values.
        count: number of images.
    """

    def __init__(self, layout: dict | None, image_shape, dtype=np.uint8, zero=0, count=1):
        height, width, channels = image_shape
        (top, bottom), (left, right) = layout["margins"] if layout else ((0, 0), (0, 0))
        framed = np.full((count, top + height + bottom, left + width + right, channels), zero, dtype)
        self._images = framed[:, top : top + height, left : left + width]
        self._values = framed
        self._words: Any = None
        self._source: Any = None
        if layout:
            (rows, length), (down, across) = layout["group"], layout["step"]
            run = length * channels * framed.itemsize
            word = next((size for size in WORDS if run % size == 0), run)
            image, row, pixel, _ = framed.strides
            laid_out = laid_out_shape(layout, image_shape)
            shape, strides = (count, *laid_out[:2], rows, run // word), (image, down * row, across * pixel, row, word)
            kind = WORDS.get(word) or np.dtype((np.void, run))
            self._source = np.ndarray(shape, kind, framed.data, strides=strides)
            self._words = np.empty(shape, kind)
            self._values = self._words.view(dtype).reshape(count, *laid_out)

    def of(self, images) -> np.ndarray:
        """Returns what a model takes: [count, height, width, C] -> [count, rows, columns, group * C], of groups.

        It is valid until the next call.
        """
        self._images[...] = images
        if self._words is not None:
            np.copyto(self._words, self._source)
        return self._values


def whole_image(layout: dict | None, size) -> tuple:
    """Returns (origin, size, layout) of the window that is an image with its layout's margins, and the layout without.

    So the zeros around an image are those of its canvas, and every group of pixels is copied whole.
    """
    if layout is None:
        return (0, 0), tuple(size), None
    margins = layout["margins"]
    framed = tuple(n + sum(sides) for n, sides in zip(size, margins))
    return tuple(-sides[0] for sides in margins), framed, layout | {"margins": ((0, 0), (0, 0))}


class Canvas:
    """An image with zeros around it, as far as windows of it reach.

    Args:
        image_shape: (height, width, channels).
        margins: width of the zeros, ((top, bottom), (left, right)).
        dtype, zero: of the values.

    Attributes:
        values: [top + height + bottom, left + width + right, C].
        image: [height, width, C], a view to be written to.
        zero: as given.
    """

    def __init__(self, image_shape, margins=((0, 0), (0, 0)), dtype=np.uint8, zero=0):
        size = [n + sum(sides) for n, sides in zip(image_shape, margins)]
        self.zero = zero
        self.values = np.full((*size, image_shape[2]), zero, dtype)
        self.before = tuple(sides[0] for sides in margins)
        self.image = self.values[tuple(slice(b, b + n) for b, n in zip(self.before, image_shape))]


def reach(image_shape, counts, origin, stride, size) -> tuple:
    """Returns how far windows reach beyond an image, ((top, bottom), (left, right)); arguments as of `Cutter`."""
    ends = [o + (n - 1) * s + w for n, o, s, w in zip(counts, origin, stride, size)]
    return tuple((max(0, -first), max(0, end - n)) for first, end, n in zip(origin, ends, image_shape))


class Cutter:
    """Cuts windows of one size out of a canvas, laid out as a model takes them.

    Args:
        canvas: of the image; it reaches as far as the windows.
        counts: (vertical, horizontal) number of windows.
        origin: (row, column) of the image's pixel where window (0, 0) begins; may be negative.
        stride: (vertical, horizontal) distance of neighbouring windows.
        size: (height, width) of a window.
        layout: of windows, see `Layout`.
    """

    def __init__(self, canvas: Canvas, counts, origin, stride, size, layout=None):
        self.canvas, self.first = canvas, tuple(o + b for o, b in zip(origin, canvas.before))
        self.stride, self.size = tuple(stride), tuple(size)
        self._windows = windows_of(canvas.values, self.first, stride, size, counts)
        values = canvas.values
        make = functools.partial(Layout, layout, (*size, values.shape[2]), values.dtype, canvas.zero)
        self._layout = functools.lru_cache(MOST_COUNTS)(make)  # of so many windows

    def cut(self, places) -> np.ndarray:
        """Returns windows as a model takes them: (row, column) of each, [n, 2] -> [n, ., ., .].

        They are valid until the next call.
        """
        return self._layout(len(places)).of(self._windows[places[:, 0], places[:, 1]])
