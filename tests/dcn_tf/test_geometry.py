import dataclasses
import itertools

import numpy as np
import pytest
from numpy_reference import windows

from dcn_tf.architecture import Conv, MaxPool
from dcn_tf.geometry import (
    Geometry,
    PatchGrid,
    cells_apart,
    level_sizes,
    num_cells,
    output_size,
    patch_grid,
    read_size,
    smallest_input,
    stack_geometry,
)
from dcn_tf.layers import CoarseStack
from dcn_tf.presets import preset

NUM_STACKS = 200


def random_stack(seed, max_layers=4):
    """Returns a stack of 1 to `max_layers` layers of any kernel, stride and padding, rectangular ones too."""
    rng = np.random.default_rng(seed)
    layers = []
    for _ in range(rng.integers(1, max_layers + 1)):
        kernel = tuple(int(k) for k in rng.integers(1, 6, 2))
        strides = tuple(int(s) for s in rng.integers(1, 4, 2))
        before_and_after = [[int(rng.integers(0, k)) for _ in range(2)] for k in kernel]
        padding = ["valid", "same", min(kernel) - 1, before_and_after][rng.integers(4)]
        if rng.random() < 0.3:
            layers.append(MaxPool(kernel, strides, padding))
        else:
            layers.append(Conv(1, kernel, strides, padding, batch_normalization=False, activation=None))
    return tuple(layers)


def pixels_of(stack, cell, axis):
    """Returns the positions, outside the image too, that reach a cell along one axis: every path, one by one."""
    positions = {cell}
    for layer in reversed(stack):
        first = {p * layer.strides[axis] - layer.padding[axis][0] for p in positions}
        positions = {p + tap for p in first for tap in range(layer.kernel[axis])}
    return positions


def reach(stack, size, axis):
    """Returns [cells, size] booleans: whether a pixel of an image of `size` reaches a cell, walking up the stack."""
    reached = np.eye(size, dtype=bool)
    for layer in stack:
        n = len(reached)
        rows = []
        for _, start in windows(layer.kernel[axis], layer.strides[axis], layer.padding[axis], n):
            rows.append(reached[max(start, 0) : min(start + layer.kernel[axis], n)].any(axis=0))
        reached = np.array(rows, bool).reshape(len(rows), size)
    return reached


@pytest.mark.parametrize("axis", [0, 1])
def test_field_stride_and_offset_of_random_stacks(axis):
    for seed in range(NUM_STACKS):
        stack = random_stack(seed)
        geometry = stack_geometry(stack)
        for cell in (0, 1, 2, 7):
            first, end = geometry.cell_pixels((cell, cell))[axis::2]
            positions = pixels_of(stack, cell, axis)
            assert (first, end) == (min(positions), max(positions) + 1), stack
        assert geometry.offset[axis] == min(pixels_of(stack, 0, axis)), stack
        assert geometry.stride[axis] == min(pixels_of(stack, 1, axis)) - min(pixels_of(stack, 0, axis)), stack


@pytest.mark.parametrize("axis", [0, 1])
def test_pixels_that_reach_a_cell_lie_in_its_field(axis):
    """A cell sees nothing outside its field, and all of the field's ends where the field lies within the image."""
    inner = 0
    for seed in range(NUM_STACKS):
        stack = random_stack(seed)
        geometry = stack_geometry(stack)
        size = smallest_input(stack)[axis] + 3 * geometry.stride[axis] + seed % 5
        for cell, reached in enumerate(reach(stack, size, axis)):
            first, end = geometry.cell_pixels((cell, cell))[axis::2]
            seen = set(np.flatnonzero(reached).tolist())
            assert seen <= set(range(first, end)), stack
            if first >= 0 and end <= size and not any(sum(layer.padding[axis]) for layer in stack):
                inner += 1
                assert seen == pixels_of(stack, cell, axis), stack
    assert inner > NUM_STACKS / 2  # the case was met


@pytest.mark.parametrize("seed", range(8))
def test_keras_stack_sees_what_the_probe_says(seed):
    """One image per pixel, black but for it: with kernels of ones a cell is above zero where it sees the pixel."""
    layers = (*random_stack(seed + 1000, max_layers=3), Conv(1, 1, batch_normalization=False, activation=None))
    height, width = (n + 5 + seed for n in smallest_input(layers))
    images = np.eye(height * width, dtype=np.float32).reshape(height * width, height, width, 1)
    stack = CoarseStack(layers)
    stack.build((None, None, None, 1))
    for weight in stack.weights:
        weight.assign(np.ones(weight.shape) if weight.name == "kernel" else np.zeros(weight.shape))
    outputs = stack(images).numpy()[..., 0]  # [pixels, h, w]
    rows, columns = reach(layers, height, 0), reach(layers, width, 1)
    expected = np.einsum("ir,jc->rcij", rows, columns).reshape(height * width, len(rows), len(columns))
    np.testing.assert_array_equal(outputs > 0, expected)
    assert outputs.shape[1:] == output_size(layers, (height, width))


def test_output_size_of_random_stacks():
    for seed in range(NUM_STACKS):
        stack = random_stack(seed)
        size = tuple(n + seed % 7 for n in smallest_input(stack))
        assert output_size(stack, size) == tuple(len(reach(stack, size[axis], axis)) for axis in (0, 1)), stack


def test_smallest_input_of_random_stacks():
    """Found by trying sizes from 1 up, layer by layer."""
    for seed in range(NUM_STACKS):
        stack = random_stack(seed)
        for axis in (0, 1):
            searched = next(n for n in itertools.count(1) if len(reach(stack, n, axis)))
            assert smallest_input(stack)[axis] == searched, stack


def test_too_small_an_input():
    stack = preset("cluttered_mnist").coarse
    assert smallest_input(stack) == (11, 11)
    assert output_size(stack, (11, 11)) == (1, 1)
    for size in ((10, 11), (11, 10), (1, 100)):
        with pytest.raises(ValueError, match=r"smallest input is \(11, 11\) pixels. Received: \(\d+, \d+\)"):
            output_size(stack, size)


def test_cluttered_mnist_as_in_the_paper():
    architecture = preset("cluttered_mnist")
    geometry = stack_geometry(architecture.coarse)
    assert geometry == Geometry(field=(11, 11), stride=(4, 4), offset=(0, 0))
    assert output_size(architecture.coarse, (100, 100)) == (23, 23)
    assert output_size(architecture.fine, (14, 14)) == (1, 1)
    assert stack_geometry(architecture.fine).stride == (4, 4)  # the fine model's cells lie as densely
    grid = patch_grid(geometry, 14)
    assert grid == PatchGrid(origin=(-1, -1), stride=(4, 4), size=(14, 14))
    assert grid.start((0, 22)) == (-1, 87)  # and ends at 101, one pixel outside


@pytest.mark.parametrize("name", ["svhn", "svhn_paper"])
def test_svhn_as_in_the_paper(name):
    """The paper's kernels and strides give a field of 53 x 109: its 54 x 110 crops hold one cell, and a pixel more."""
    architecture = preset(name)
    geometry = stack_geometry(architecture.coarse)
    assert geometry == Geometry(field=(53, 109), stride=(8, 16), offset=(0, 0))
    assert output_size(architecture.coarse, (54, 110)) == (1, 1)
    assert output_size(architecture.fine, (54, 110)) == (1, 1)
    assert output_size(architecture.coarse, (64, 128)) == (2, 2)
    assert output_size(architecture.coarse, (442, 1083)) == (49, 61)  # 388 / 8 + 1, 973 / 16 + 1, rounded down
    assert stack_geometry(architecture.fine).stride == (8, 16)
    assert patch_grid(geometry, (54, 110)) == PatchGrid((0, 0), (8, 16), (54, 110))


def test_patches_are_centred_on_fields_to_half_a_pixel():
    for seed in range(NUM_STACKS):
        geometry = stack_geometry(random_stack(seed))
        size = tuple(int(n) for n in np.random.default_rng(seed).integers(1, 40, 2))
        start = patch_grid(geometry, size).start((3, 5))
        top, left, bottom, right = geometry.cell_pixels((3, 5))
        for axis, field_centre in enumerate(((top + bottom) / 2, (left + right) / 2)):
            beyond = start[axis] + size[axis] / 2 - field_centre
            assert beyond == ((size[axis] - geometry.field[axis]) % 2) / 2  # an odd pixel goes behind


@pytest.mark.parametrize("size", [0, (14, 0), (1, 2, 3), 14.0])
def test_patch_grid_rejects(size):
    with pytest.raises(ValueError, match="patch_size must be .* Received: "):
        patch_grid(Geometry((3, 3), (1, 1), (0, 0)), size)


def test_the_levels_of_a_pyramid_and_their_cells(sequence_architecture):
    """Cells of 8 x 8, 4 apart; an image is padded to one of them on each level."""
    pyramid = dataclasses.replace(sequence_architecture, levels=(1.5, 1.0, 0.5))
    assert level_sizes(pyramid, (16, 20)) == [(24, 30), (16, 20), (8, 10)]
    assert num_cells(pyramid, (16, 20)) == 5 * 6 + 3 * 4 + 1 * 1
    assert level_sizes(pyramid, (4, 30)) == [(8, 45), (8, 30), (8, 15)]
    assert num_cells(pyramid, (4, 30)) == 10 + 6 + 2
    assert level_sizes(sequence_architecture, (16, 20)) == [(16, 20)]
    assert num_cells(sequence_architecture, (16, 20)) == 3 * 4


def test_the_size_at_which_an_image_is_read(sequence_architecture):
    pyramid = dataclasses.replace(sequence_architecture, levels=(1.5, 1.0))
    assert read_size(sequence_architecture, (20, 10), 0.5) == (10, 8)  # padded
    assert read_size(pyramid, (20, 10), 0.5) == (10, 5)  # whose levels are
    assert read_size(pyramid, (20, 10), 1.0) == (20, 10)


@pytest.mark.parametrize(("share", "expected"), [(0.5, (4, 4)), (1, (7, 7)), (8 / 54, (1, 2)), (0.01, (1, 1))])
def test_patches_so_much_apart_are_so_many_cells_apart(share, expected):
    grid = PatchGrid((0, 0), (8, 16), (54, 110))
    for axis, cells in enumerate(cells_apart(grid, share)):
        apart = [count * grid.stride[axis] >= share * grid.size[axis] for count in range(9)]
        assert cells == expected[axis] == apart.index(True)
