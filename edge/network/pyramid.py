"""An image at several sizes, and how the models' parts lie on each of them."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.bundle.manifest import Manifest
from edge.network.interpreter import Model
from edge.network.kernels import FASTEST, Kernels
from edge.network.patches import Canvas, reach

MOST_SIZES = 128  # of levels, whose canvases are kept: those of some fourteen sizes of images
MOST_KEPT = 2**23  # pixels of them together: about those of one large image
MOST_OF_OTHERS = 2**21  # pixels of those that the present image has no use for
MOST_AT_ONCE = 5 * 2**17  # pixels of a level that a model takes together; a larger level is seen in bands
SLACK = 0.1  # of an image's height, which a patch may leave out at a side and still show all of it
LEAST_FILL = 0.3  # of a patch's width or height, which an image takes that is read in it
SHAPES = (1.0, 2.6)  # least and largest width, in heights, that an image cut out around one number is brought to
APART = 1.5  # times that it is brought to less and to more than its own width


@dataclass(frozen=True)
class Level:
    """An image at one size.

    Attributes:
        pixels: [H, W, C] uint8, scaled, and padded to at least the input's size.
        start: (row, column) of the scaled image's first pixel in it.
        size: (height, width) of the scaled image.
        zoom: (vertical, horizontal) pixels of the level to a pixel of the image.
    """

    pixels: np.ndarray
    start: tuple[int, int]
    size: tuple[int, int]
    zoom: tuple[float, float]


def scaled_size(size, scale: float) -> tuple[int, int]:
    """Returns the (height, width) of an image of `size` at a scale, at least one pixel each."""
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def scaled_sizes(size, manifest: Manifest, framed: bool = False, stretch: float = 1.0) -> list[tuple[int, int]]:
    """Returns the (height, width) of an image of `size` on each of its levels, which are the manifest's, in its order.

    A framed image, one that is cut out around one number, has other levels: those of each of its `shapes`, in so far as
    a patch can show all of it there. Where there are none it has the manifest's.

    Args:
        framed: whether the image is framed.
        stretch: an image that is not framed is seen a second time, so many times as high; 1: once.
    """
    levels = manifest.levels or ()
    if framed:
        sizes = [scaled_size(shape, scale) for shape in shapes(size) for scale in levels]
        shown = [one for one in sizes if _is_shown(one, manifest.patch.size)]
        if shown:
            return shown
    seen = dict.fromkeys([tuple(size), (max(1, round(size[0] * stretch)), size[1])])
    return [scaled_size(shape, scale) for shape in seen for scale in levels]


def shapes(size) -> list[tuple[int, int]]:
    """Returns the (height, width) to which a framed image of `size` is stretched: close to its own, narrower and wider.

    A display is long and low, and a house number high: each is read best where its digits are as wide as most are that
    a network was trained on. No side is shrunk.
    """
    height, width = size
    least, largest = SHAPES
    usual = min(max(width / height, least), largest)
    wanted = dict.fromkeys((usual, max(usual / APART, least), min(usual * APART, largest)))
    return [(max(height, round(width / shape)), max(width, round(height * shape))) for shape in wanted]


def _is_shown(size, patch) -> bool:
    """Whether a patch (height, width) can show all of a level's image of `size`, and large enough to be read."""
    slack = 2 * SLACK * size[0]
    return all(side - slack <= most for side, most in zip(size, patch)) and _fill(size, patch) >= LEAST_FILL


def _fill(sizes, patch):
    return np.max(np.divide(sizes, patch), axis=-1)


def level_sizes(size, manifest: Manifest, framed: bool = False, stretch: float = 1.0) -> list[tuple[int, int]]:
    """Returns the (height, width) of each of `scaled_sizes`, padded to at least the input's."""
    high, wide = manifest.input.size
    return [(max(height, high), max(width, wide)) for height, width in scaled_sizes(size, manifest, framed, stretch)]


def levels_of(
    pixels: np.ndarray, manifest: Manifest, kernels: Kernels = FASTEST, framed: bool = False, stretch: float = 1.0
) -> list[Level]:
    """Returns the levels of an image, [H, W, C] uint8, in the order of `scaled_sizes`.

    An image is smoothed where it becomes smaller. A level that is smaller than the input gets half of what it lacks
    before it and the rest behind, with its border repeated.
    """
    size, levels = pixels.shape[:2], []
    for height, width in scaled_sizes(size, manifest, framed, stretch):
        scaled = pixels if (height, width) == size else kernels.scale(pixels, (height, width))
        missing = [max(0, least - side) for least, side in zip(manifest.input.size, scaled.shape)]
        start = missing[0] // 2, missing[1] // 2
        if any(missing):
            beside = [(before, sides - before) for before, sides in zip(start, missing)]
            scaled = np.pad(scaled, [*beside, (0, 0)], "edge")
        levels.append(Level(scaled, start, (height, width), (height / size[0], width / size[1])))
    return levels


def patch_boxes(cells: np.ndarray, levels: list[Level], manifest: Manifest) -> np.ndarray:
    """Returns where the patches of cells lie: [k, 3], (level, row, column) -> [k, 4].

    (left, top, right, bottom) in pixels of the image, right and bottom exclusive; not cut off at the image's border.
    """
    first, zoom = _first_pixels(cells, levels, manifest), _of_cells("zoom", cells, levels)
    corners = np.stack([first, first + np.array(manifest.patch.size)], axis=1) / zoom[:, None]  # [k, 2, (row, column)]
    return corners[..., ::-1].reshape(-1, 4)


def framing(cells: np.ndarray, levels: list[Level], manifest: Manifest) -> np.ndarray:
    """Returns which patches show a whole image, and large enough to be read: [k, 3] -> [k] true or false."""
    first, sides = _first_pixels(cells, levels, manifest), _of_cells("size", cells, levels)
    patch, slack = np.array(manifest.patch.size), SLACK * sides[:, :1]
    shown = (first <= slack).all(axis=1) & (first + patch >= sides - slack).all(axis=1)
    return shown & (_fill(sides, patch) >= LEAST_FILL)


def _first_pixels(cells, levels: list[Level], manifest: Manifest) -> np.ndarray:
    """Returns where the patches of cells begin in their scaled images: [k, 3] -> [k, 2], (row, column)."""
    first = np.array(manifest.patch.origin) + cells[:, 1:] * np.array(manifest.cells.stride)
    return first - _of_cells("start", cells, levels)


def _of_cells(name: str, cells, levels: list[Level]) -> np.ndarray:
    return np.array([getattr(level, name) for level in levels])[cells[:, 0]]


def spread(cells: np.ndarray, count: int, nearest) -> np.ndarray:
    """Returns the first `count` cells of which none is near an earlier one: [n, 3] -> [k, 3], (level, row, column).

    Args:
        cells: most salient first.
        count: at most so many.
        nearest: (rows, columns); cells of a level that are nearer than both are near.
    """
    found = []
    while len(cells) and len(found) < count:
        found.append(cells[0])
        away = np.abs(cells - cells[0])
        cells = cells[(away[:, 0] > 0) | (away[:, 1] >= nearest[0]) | (away[:, 2] >= nearest[1])]
    return np.array(found, np.intp).reshape(-1, 3)


class LevelCanvas:
    """A canvas for levels of one size, and the parts of it that the models take.

    A level of more than `MOST_AT_ONCE` pixels is taken in bands, as high as each other, that share what the fields of
    their outermost cells share. The cells are those of the whole to the last bit: no layer knows of more than a field.

    Args:
        size: (height, width).
        model: what the whole of it is for.
        kernels: what is computed with.
        fine: what patches are for; None where none are cut.
    """

    def __init__(self, size, manifest: Manifest, model: Model, kernels: Kernels, fine: Model | None = None):
        channels, margins = manifest.input.channels, ((0, 0), (0, 0))
        rows, band, counts = (1, size[0], (1, 1)) if fine is None else _bands(size, manifest, model)
        places = (counts, manifest.patch.origin, manifest.cells.stride)
        if fine is not None:
            margins = reach(size, *places, manifest.patch.size)
        self.input_shape = (1, *model.laid_out((band, size[1], channels)))
        self.canvas = Canvas((*size, channels), margins, model.input.dtype, model.input.zero_point)
        firsts = range(0, counts[0], rows)
        self._places = [(min(first, counts[0] - rows), first) for first in firsts]
        last = max(place for place, _ in self._places)
        bands = ((last + 1, 1), (0, 0), manifest.cells.stride)
        self._image = kernels.cutter(self.canvas, *bands, (band, size[1]), model.layout)
        self._patches: Any = None
        if fine is not None:
            self._patches = kernels.cutter(self.canvas, *places, manifest.patch.size, fine.layout)

    def bands(self):
        """Yields each band as the model takes it, valid until the next, and how many of its rows of cells are known."""
        for place, first in self._places:
            yield self._image.cut(np.array([[place, 0]], np.intp)), first - place

    def patches(self, cells) -> np.ndarray:
        """Returns the patches of cells, (row, column) of each, [n, 2], as the fine model takes them; until the next."""
        return self._patches.cut(np.ascontiguousarray(cells))


def _bands(size, manifest: Manifest, model: Model):
    """Returns rows of cells of a band, its height in pixels, and (rows, columns) of all cells of a level."""
    (field, wide), (down, across) = manifest.cells.field, manifest.cells.stride

    def cells_of(height):
        return model.output_shape("cell_logits", (1, *model.laid_out((height, size[1], manifest.input.channels))))[1:3]

    count = -(-size[0] * size[1] // MOST_AT_ONCE)
    counts = ((size[0] - field) // down + 1, (size[1] - wide) // across + 1)
    rows = -(-counts[0] // count)
    band = (rows - 1) * down + field
    unpadded = count > 1 and cells_of(band + down - 1)[0] == rows  # with padding there would be one more
    if unpadded and tuple(cells_of(band)) == (rows, counts[1]):
        return rows, band, counts
    counts = tuple(cells_of(size[0]))  # of a stack with padding, too, which knows where a level ends
    return counts[0], size[0], counts


class Canvases:
    """Canvases by level and size, of which those used last are kept.

    They are `MOST_SIZES` at most, of `MOST_KEPT` pixels, and of `MOST_OF_OTHERS` without those of the present image.
    Level 0 begins an image.

    Args:
        make: (height, width) -> `LevelCanvas`.
        model: which forgets what it has for levels that are not kept.
    """

    def __init__(self, make, model: Model):
        self._make, self._model = make, model
        self._kept, self._present = OrderedDict(), set()

    def of(self, number: int, size) -> LevelCanvas:
        """Returns the canvas of the level of that number, at a size (height, width). No two levels share one."""
        key = (number, *size)
        self._present = {key} if number == 0 else self._present | {key}
        if key not in self._kept:
            self._kept[key] = self._make(size)
            while self._are_too_many():
                self._model.forget(self._kept.popitem(last=False)[1].input_shape)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _are_too_many(self) -> bool:
        of_others = _pixels(self._kept.keys() - self._present)
        too_large = of_others > MOST_OF_OTHERS or _pixels(self._kept) > MOST_KEPT
        return len(self._kept) > MOST_SIZES or (too_large and len(self._kept) > 1)


def _pixels(keys) -> int:
    return sum(height * width for _, height, width in keys)
