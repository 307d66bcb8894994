"""Parts of images and maps that are cut by indexing, with nothing computed."""

import functools

import numpy as np

WORDS = {16: np.complex128, 8: np.uint64, 4: np.uint32, 2: np.uint16, 1: np.uint8}  # bytes -> type, to be copied


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
    height, width = (n + sum(sides) for n, sides in zip(shape, layout["margins"]))
    return (height, max(0, (width - layout["length"]) // layout["step"] + 1), layout["length"] * shape[2])


class Layout:
    """Images of one size, laid out as a model takes them: pixels of a row that a place sees side by side.

    Args:
        layout: the manifest's: `margins`, width of zeros around an image, ((top, bottom), (left, right)); `length`, the
            pixels of a row that are laid out for each of its groups, which are one `step` apart. None: the images as
            they are.
        image_shape: (height, width, channels).
        dtype, zero: of the values.
        count: number of images.

    Attributes:
        images: [count, height, width, C], a view to be written to.
        values: what the model takes, [count, rows, groups, length * C].
    """

    def __init__(self, layout: dict | None, image_shape, dtype=np.uint8, zero=0, count=1):
        height, width, channels = image_shape
        (top, bottom), (left, right) = layout["margins"] if layout else ((0, 0), (0, 0))
        framed = np.full((count, top + height + bottom, left + width + right, channels), zero, dtype)
        self.images = framed[:, top : top + height, left : left + width]
        self.values = framed
        self._words = self._source = None
        if layout:
            run = layout["length"] * channels * framed.itemsize
            word = next(size for size in WORDS if run % size == 0)
            image, row, pixel, _ = framed.strides
            shape = (*framed.shape[:2], laid_out_shape(layout, image_shape)[1], run // word)
            strides = (image, row, layout["step"] * pixel, word)
            self._source = np.ndarray(shape, WORDS[word], framed.data, strides=strides)
            self._words = np.empty(shape, WORDS[word])
            self.values = self._words.view(dtype)

    def fill(self) -> np.ndarray:
        """Returns `values`, once all images are written."""
        if self._words is not None:
            np.copyto(self._words, self._source)
        return self.values

    def of(self, images) -> np.ndarray:
        """Returns `values` of images."""
        self.images[...] = images
        return self.fill()


class PatchCutter:
    """Cuts patches at cells out of images of one size, laid out as a model takes them; zero beyond the image.

    Args:
        image_shape: (height, width, channels).
        map_size: (height, width) in cells.
        origin: (row, column) of the first pixel of the patch of cell (0, 0); may be negative.
        stride: (vertical, horizontal) distance of the patches of neighbouring cells.
        patch_size: (height, width) in pixels.
        layout: of patches, see `Layout`.
        dtype, zero: of the values.

    Attributes:
        image: [H, W, C]; the image is written into it.
    """

    def __init__(self, image_shape, map_size, origin, stride, patch_size, layout=None, dtype=np.uint8, zero=0):
        before = [max(0, -first) for first in origin]
        ends = [o + (n - 1) * s + p for o, n, s, p in zip(origin, map_size, stride, patch_size)]
        margins = [(b, max(0, end - n)) for b, end, n in zip(before, ends, image_shape)]
        canvas = np.full((*(n + sum(m) for n, m in zip(image_shape, margins)), image_shape[2]), zero, dtype)
        self.image = canvas[tuple(slice(b, b + n) for b, n in zip(before, image_shape))]
        self._windows = windows_of(canvas, np.add(origin, before), stride, patch_size, map_size)
        self._make = functools.partial(Layout, layout, (*patch_size, image_shape[2]), dtype, zero)
        self._layouts = {}  # by number of patches

    def cut(self, cells) -> np.ndarray:
        """Returns the patches of cells as a model takes them, [k, 2] -> [k, ., ., .]; valid until the next call."""
        layout = self._layouts.get(len(cells))
        if layout is None:
            layout = self._layouts[len(cells)] = self._make(len(cells))
        return layout.of(self._windows[cells[:, 0], cells[:, 1]])
