"""The geometry of a stack: where a cell of its output looks in the image, and where its patch lies.

All positions are (row, column) in pixels of the image, and may lie outside it: what lies outside is padding.
"""

import math
from dataclasses import dataclass

from dcn_tf.windows import pair


@dataclass(frozen=True)
class Geometry:
    """How the cells of a stack's output lie over the image. Each attribute is (vertical, horizontal), in pixels.

    Attributes:
        field: size of the receptive field of one cell.
        stride: distance of the fields of two neighbouring cells.
        offset: first pixel of the field of cell (0, 0); negative where the stack pads.
    """

    field: tuple[int, int]
    stride: tuple[int, int]
    offset: tuple[int, int]

    def cell_pixels(self, cell) -> tuple[int, int, int, int]:
        """Returns (top, left, bottom, right) of the pixels that `cell` sees; bottom and right exclusive."""
        top, left = (o + c * s for o, c, s in zip(self.offset, cell, self.stride))
        return top, left, top + self.field[0], left + self.field[1]


@dataclass(frozen=True)
class PatchGrid:
    """Where patches lie: the first pixel of cell (0, 0)'s, their distance and size, (vertical, horizontal) each."""

    origin: tuple[int, int]
    stride: tuple[int, int]
    size: tuple[int, int]

    def start(self, cell) -> tuple[int, int]:
        """Returns (top, left) of the patch of `cell` (row, column)."""
        return tuple(o + c * s for o, c, s in zip(self.origin, cell, self.stride))


def stack_geometry(stack) -> Geometry:
    """Returns the geometry of a stack's output cells over its input.

    Walking down the stack with field f, stride s and offset o, a layer of kernel k, stride t and padding p before gives
    f + (k - 1) s, s t and o - p s.
    """
    field, stride, offset = [1, 1], [1, 1], [0, 0]
    for layer in stack:
        for axis in (0, 1):
            field[axis] += (layer.kernel[axis] - 1) * stride[axis]
            offset[axis] -= layer.padding[axis][0] * stride[axis]
            stride[axis] *= layer.strides[axis]
    return Geometry((field[0], field[1]), (stride[0], stride[1]), (offset[0], offset[1]))


def output_size(stack, input_size) -> tuple[int, int]:
    """Returns the (height, width) of a stack's output; ValueError where the input is too small for the stack."""
    size = tuple(input_size)
    for layer in stack:
        padded = [n + sum(p) for n, p in zip(size, layer.padding)]
        if any(n < k for n, k in zip(padded, layer.kernel)):
            raise ValueError(
                f"the input is too small for the stack, whose smallest input is {smallest_input(stack)} pixels. "
                f"Received: {tuple(input_size)}"
            )
        size = tuple((n - k) // t + 1 for n, k, t in zip(padded, layer.kernel, layer.strides))
    return size


def smallest_input(stack) -> tuple[int, int]:
    """Returns the smallest (height, width) for which a stack has an output."""
    size = [1, 1]
    for layer in reversed(stack):
        for axis in (0, 1):
            needed = (size[axis] - 1) * layer.strides[axis] + layer.kernel[axis] - sum(layer.padding[axis])
            size[axis] = max(1, needed)
    return size[0], size[1]


def smallest_image(architecture) -> tuple[int, int]:
    """Returns the smallest (height, width) of an image that both stacks have a cell for."""
    coarse, fine = smallest_input(architecture.coarse), smallest_input(architecture.fine)
    return max(coarse[0], fine[0]), max(coarse[1], fine[1])


def padded_size(architecture, size) -> tuple[int, int]:
    """Returns the (height, width) of an image of `size` once it is padded for both stacks (`scales.padded`)."""
    return tuple(max(sides) for sides in zip(size, smallest_image(architecture)))


def scaled_size(size, scale: float) -> tuple[int, int]:
    """Returns the (height, width) of an image of `size` at a scale (`scales.scaled`), at least one pixel each."""
    return tuple(max(1, round(side * scale)) for side in size)


def level_sizes(architecture, size) -> list[tuple[int, int]]:
    """Returns the (height, width) of an image of `size` on each of the architecture's levels, padded for both stacks.

    An architecture of one level is given images that are large enough.
    """
    if not architecture.has_pyramid:
        return [tuple(size)]
    return [padded_size(architecture, scaled_size(size, level)) for level in architecture.levels]


def num_cells(architecture, size) -> int:
    """Returns the number of coarse cells of an image of `size` on all levels together: the largest possible k."""
    return sum(math.prod(output_size(architecture.coarse, level)) for level in level_sizes(architecture, size))


def read_size(architecture, size, scale: float) -> tuple[int, int]:
    """Returns the (height, width) at which a network reads an image of `size` at a scale.

    It is padded for both stacks; with a pyramid each of its levels is, and the image isn't.
    """
    size = scaled_size(size, scale)
    return size if architecture.has_pyramid else padded_size(architecture, size)


def patch_grid(geometry: Geometry, patch_size) -> PatchGrid:
    """Returns where patches of `patch_size` lie: each cell's field, grown or cut on both sides alike.

    Where the sizes differ by an odd number, the half pixel goes behind: an 11-pixel field grown to a 14-pixel patch
    begins 1 pixel earlier and ends 2 later.
    """
    size = pair(patch_size, "patch_size")
    top, left = (o - (p - f) // 2 for o, p, f in zip(geometry.offset, size, geometry.field))
    return PatchGrid((top, left), geometry.stride, size)


def cells_apart(grid: PatchGrid, share: float) -> tuple[int, int]:
    """Returns how many cells (down, across) two patches are apart at least that begin a share of a patch apart."""
    down, across = (math.ceil(share * side / step) for side, step in zip(grid.size, grid.stride))
    return down, across
