"""Geometry, selection and the cutting of patches against slow references."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dcn_tf.architecture import Conv
from dcn_tf.geometry import PatchGrid, output_size, patch_grid, smallest_input, stack_geometry
from edge.network.patches import Canvas, Cutter, reach
from edge.network.saliency import count_windows, select_cells

layers = st.builds(
    lambda kernel, strides, padding: Conv(1, kernel, strides=strides, padding=padding),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.one_of(st.sampled_from(["valid", "same"]), st.integers(0, 2)),
)
stacks = st.lists(layers, min_size=1, max_size=4)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


def seen(stack, cell: int, axis: int) -> tuple[int, int]:
    """Returns the first and last pixel along an axis that a cell of a stack's output sees, layer by layer backwards."""
    first = last = cell
    for layer in reversed(stack):
        before = layer.padding[axis][0]
        first = first * layer.strides[axis] - before
        last = last * layer.strides[axis] - before + layer.kernel[axis] - 1
    return first, last


def counted(stack, size: int, axis: int) -> int:
    """Returns how many cells a stack has along an axis, by trying one place after the other."""
    for layer in stack:
        padded, place, count = size + sum(layer.padding[axis]), 0, 0
        while place + layer.kernel[axis] <= padded:
            place, count = place + layer.strides[axis], count + 1
        size = count
        if not size:
            return 0
    return size


@given(stack=stacks, size=sizes, patch=st.tuples(st.integers(1, 30), st.integers(1, 30)))
def test_fields_and_sizes(stack, size, patch):
    counts = [counted(stack, size[axis], axis) for axis in (0, 1)]
    if 0 in counts:
        assert any(n < least for n, least in zip(size, smallest_input(stack)))
        return
    assert output_size(stack, size) == tuple(counts)
    geometry = stack_geometry(stack)
    grid = patch_grid(geometry, patch)
    for cell in {(0, 0), (counts[0] - 1, counts[1] - 1), (counts[0] // 2, 0)}:
        (top, bottom), (left, right) = (seen(stack, place, axis) for axis, place in enumerate(cell))
        assert geometry.cell_pixels(cell) == (top, left, bottom + 1, right + 1)
        for start, first, last, side in zip(grid.start(cell), (top, left), (bottom, right), patch):
            assert (first + last + 1) / 2 - (start + side / 2) in (0, -0.5)  # the patch's middle is the field's


@given(stack=stacks)
def test_smallest_inputs(stack):
    found = smallest_input(stack)
    for axis in (0, 1):
        least = next(side for side in range(1, 1000) if counted(stack, side, axis))
        assert found[axis] == least


@given(size=sizes, layer=layers)
def test_windows_of_a_top(size, layer):
    counts = [counted([layer], side, axis) for axis, side in enumerate(size)]
    assume(0 not in counts)
    assert tuple(count_windows(size, layer.padding, layer.kernel, layer.strides)) == tuple(counts)


values = st.floats(-10, 10, width=32) | st.sampled_from([0.0, -0.0, 1.0])  # so that many are equal
maps = arrays.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=values)


@given(saliency=maps, data=st.data())
def test_selected_cells(saliency, data):
    k = data.draw(st.integers(1, saliency.size))
    by_value = sorted(np.ndindex(saliency.shape), key=lambda cell: (-saliency[cell], cell))
    assert select_cells(saliency, k).tolist() == list(map(list, by_value[:k]))


@given(data=st.data())
def test_patches_are_cut_where_the_grid_says(data):
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3)))
    origin = data.draw(st.tuples(st.integers(-6, 3), st.integers(-6, 3)))
    stride, size, counts = (data.draw(st.tuples(st.integers(1, most), st.integers(1, most))) for most in (4, 7, 4))
    image = np.random.default_rng(0).integers(1, 256, shape, np.uint8)
    canvas = Canvas(shape, reach(shape, counts, origin, stride, size))
    canvas.image[...] = image
    cells = data.draw(
        st.lists(st.tuples(st.integers(0, counts[0] - 1), st.integers(0, counts[1] - 1)), min_size=1, max_size=5)
    )
    found = Cutter(canvas, counts, origin, stride, size).cut(np.array(cells))
    grid = PatchGrid(origin, stride, size)
    for patch, cell in zip(found, cells):
        top, left = grid.start(cell)
        for row, column in np.ndindex(size):
            inside = 0 <= top + row < shape[0] and 0 <= left + column < shape[1]
            wanted = image[top + row, left + column] if inside else np.zeros(shape[2])
            assert (patch[row, column] == wanted).all()
