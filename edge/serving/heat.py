"""The saliency of an image as a small grid over it, for a page to draw."""

import numpy as np

from edge.bundle.manifest import Manifest
from edge.network.result import Result, SeenLevel
from edge.sight.images import Fit, read_size

COLUMNS = 48  # of the grid for an image of any size


def heat_map(result: Result, size, manifest: Manifest, corner=(0, 0)) -> dict | None:
    """Returns where the saliency lies and how strong it is, None where there is no saliency.

    Args:
        size: (height, width) of the image.
        corner: (left, top) of the image in the frame.

    Returns:
        `box`, [left, top, right, bottom] in pixels of the frame, and `rows`, whole numbers of 0 to 255, 255 being the
        most salient cell.
    """
    saliency, levels = result.saliency, result.levels
    if saliency is None:
        return None
    box, grid = _of_levels(saliency, levels, size, manifest) if levels else _of_cells(saliency, size, manifest)
    strength = np.rint(grid * (255 / max(float(grid.max()), 1e-12))).astype(int)
    left, top = corner
    shifted = [round(side + offset, 1) for side, offset in zip(box, (left, top, left, top))]
    return {"box": shifted, "rows": strength.tolist()}


def _of_cells(saliency: np.ndarray, size, manifest: Manifest):
    """Returns a map of cells as it is, and its place: a cell stands for one stride around the centre of its field."""
    cells = manifest.cells
    first = np.array(cells.offset) + (np.array(cells.field) - cells.stride) / 2
    fit = Fit(size, read_size(size, manifest.input), manifest.input.resize)
    top, left = fit.to_image(*first)
    bottom, right = fit.to_image(*(first + np.array(saliency.shape) * cells.stride))
    return (left, top, right, bottom), saliency


def _of_levels(saliency: np.ndarray, levels: tuple[SeenLevel, ...], size, manifest: Manifest):
    """Returns the most salient of all levels' cells at every place of a grid over the image, and the grid's place."""
    height, width = size
    shape = (max(1, round(COLUMNS * height / width)), COLUMNS)
    grid, begun = np.zeros(shape), 0
    for scaled, start, (rows, columns) in levels:
        of_level = saliency[begun : begun + rows * columns].reshape(rows, columns)
        begun += rows * columns
        axes = zip(shape, scaled, start, manifest.cells.field, manifest.cells.stride, (rows, columns))
        grid = np.maximum(grid, of_level[np.ix_(*(_nearest(*axis) for axis in axes))])
    return (0, 0, width, height), grid


def _nearest(places: int, scaled: int, start: int, field: int, stride: int, count: int) -> np.ndarray:
    """Returns which cell's centre is nearest to each of the grid's places, along one axis."""
    at = (np.arange(places) + 0.5) / places * scaled + start
    return np.clip(np.rint((at - field / 2) / stride), 0, count - 1).astype(int)
