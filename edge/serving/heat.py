"""The saliency of an image as a small grid over it, for a page to draw."""

import numpy as np

from edge.bundle.manifest import Manifest
from edge.network.pyramid import level_sizes, scaled_sizes
from edge.network.result import Result
from edge.sight.images import Fit, read_size

COLUMNS = 48  # of the grid for an image of any size


def heat_map(result: Result, size, manifest: Manifest, corner=(0, 0)) -> dict | None:
    """Returns where the saliency lies and how strong it is, None where no patch was looked at.

    Args:
        size: (height, width) of the image.
        corner: (left, top) of the image in the frame.

    Returns:
        `box`, [left, top, right, bottom] in pixels of the frame, and `rows`, whole numbers of 0 to 255, 255 being the
        most salient cell.
    """
    if result.saliency is None:
        return None
    box, grid = (_of_levels if manifest.levels else _of_cells)(result.saliency, size, manifest)
    if grid is None:
        return None
    strength = np.rint(grid * (255 / max(float(grid.max()), 1e-12))).astype(int)
    left, top = corner
    shifted = [round(side + offset, 1) for side, offset in zip(box, (left, top, left, top))]
    return {"box": shifted, "rows": strength.tolist()}


def _of_cells(saliency, size, manifest: Manifest):
    """Returns a map of cells as it is, and its place: a cell stands for one stride around the centre of its field."""
    cells = manifest.cells
    first = np.array(cells.offset) + (np.array(cells.field) - cells.stride) / 2
    fit = Fit(size, read_size(size, manifest.input), manifest.input.resize)
    top, left = fit.to_image(*first)
    bottom, right = fit.to_image(*(first + np.array(saliency.shape) * cells.stride))
    return (left, top, right, bottom), saliency


def _of_levels(saliency, size, manifest: Manifest):
    """Returns the most salient of all levels' cells at every place of a grid over the image; None where unknown."""
    read = read_size(size, manifest.input)
    framed = next((one for one in (False, True) if _cells_in(read, manifest, one) == len(saliency)), None)
    if framed is None:
        return None, None
    height, width = read
    shape = (max(1, round(COLUMNS * height / width)), COLUMNS)
    grid, begun = np.zeros(shape), 0
    scaled, padded = scaled_sizes(read, manifest, framed), level_sizes(read, manifest, framed)
    for *sizes, (rows, columns) in zip(scaled, padded, cell_maps(read, manifest, framed)):
        of_level = saliency[begun : begun + rows * columns].reshape(rows, columns)
        begun += rows * columns
        axes = zip(shape, *sizes, manifest.cells.field, manifest.cells.stride, (rows, columns))
        grid = np.maximum(grid, of_level[np.ix_(*(_nearest(*axis) for axis in axes))])
    return (0, 0, size[1], size[0]), grid


def _cells_in(size, manifest: Manifest, framed: bool) -> int:
    return sum(rows * columns for rows, columns in cell_maps(size, manifest, framed))


def cell_maps(size, manifest: Manifest, framed: bool = False) -> list[tuple[int, int]]:
    """Returns the (rows, columns) of each level's cells, of an image of `size`, (height, width), framed or not."""
    cells = manifest.cells
    return [
        ((height - cells.field[0]) // cells.stride[0] + 1, (width - cells.field[1]) // cells.stride[1] + 1)
        for height, width in level_sizes(size, manifest, framed)
    ]


def _nearest(places: int, scaled: int, padded: int, field: int, stride: int, count: int) -> np.ndarray:
    """Returns which cell's centre is nearest to each of the grid's places, along one axis."""
    at = (np.arange(places) + 0.5) / places * scaled + (padded - scaled) // 2
    return np.clip(np.rint((at - field / 2) / stride), 0, count - 1).astype(int)
