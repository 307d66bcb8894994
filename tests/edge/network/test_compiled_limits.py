"""The kernels in C refuse numbers whose sums and products would overflow, and sizes that do not fit."""

import itertools

import numpy as np
import pytest

from edge.network import compiled

pytestmark = pytest.mark.skipif(not compiled.IS_COMPILED, reason="edge was installed without a C compiler")

MOST = 2**63 - 1
HUGE = (MOST, MOST - 1, MOST - 5, 2**62, 2**61 + 1, 2**33, 2**32, 2**31, -(2**31), -(2**62), -MOST, -MOST - 1)


def put_pixels(above=1, before=1):
    canvas = np.zeros((6, 6, 1), np.int8)
    return compiled._compiled.put_pixels(np.zeros((4, 4, 1), np.uint8), canvas, (above, before))


def cut(*, row=0, column=0, down=1, right=1, height=3, width=3, above=0, before=0, rows=1, length=3, groups_down=1,
        groups_right=3, place=0):  # fmt: skip
    pairs = ((row, column), (down, right), (height, width), (above, before), (rows, length))
    out = np.zeros((1, 3, 1, 3), np.int8)
    canvas, places = np.zeros((6, 6, 1), np.int8), np.array([[place, 0]])
    return compiled._compiled.cut(canvas, places, *pairs, (groups_down, groups_right), out)


def saliency(*, down=1, right=1, above=0, before=0):
    activations, maxima = np.ones((9, 2), np.int8), np.ones(2, np.int8)
    dense, kernels = np.ones((2, 3), np.float32), np.ones((2, 2, 2, 4), np.float32)
    gradient, found = np.zeros((4, 4, 4), np.float32), np.zeros((4, 4), np.float32)
    return compiled._compiled.classifier_saliency(
        activations, maxima, np.ones(2, bool), np.log([0.5, 0.3, 0.2]), 1.0, dense, kernels, (down, right),
        (above, before), gradient, found,
    )  # fmt: skip


def assemble(*, above=0, before=0, down=1, right=1, few=0, step=1, cell=0, window=0):
    windows = np.zeros((4, 4, 1), np.int32)
    windows[0, 0] = min(max(window, -(2**31)), 2**31 - 1)
    kernel, most = (2, 2, 1), 9
    return compiled._compiled.assemble(
        np.zeros((4, 4, 1), np.int8), np.zeros((1, 1), np.int8), np.array([[cell, 0]]), windows,
        np.zeros((4, 4, 1), np.int8), (above, before), (down, right), (few, step), np.zeros((most, *kernel), np.int8),
        np.zeros(most, np.intp),
    )  # fmt: skip


def cell_logits(zero, lengths, positions):
    tables = np.ones(256, np.float32), np.ones(256, np.float32)
    return (np.zeros((5, 9), np.int8), *tables, 0.5, zero, lengths, positions)


def see_cells(*, zero=0, lengths=2, positions=3):
    counted, weights, found = np.ones(3, bool), np.zeros(5, np.float32), np.zeros(9, np.float32)
    return compiled._compiled.see_cells(cell_logits(zero, lengths, positions), counted, 2.0, weights, found)


def presence_saliency(*, zero=0, lengths=2, positions=3, k=2):
    counted, found = np.ones(3, bool), np.zeros(5, np.float32)
    pooled = np.full(5, 0.2, np.float32), np.full(9, -1, np.float32)
    dense = np.ones((4, 12), np.float32)
    arguments = cell_logits(zero, lengths, positions), counted, 2.0, *pooled, dense, False, 10.0, k, found
    return compiled._compiled.presence_saliency(*arguments)


FUNCTIONS = {
    put_pixels: ("above", "before"),
    cut: ("row", "column", "down", "right", "height", "width", "above", "before", "rows", "length", "groups_down",
          "groups_right", "place"),
    saliency: ("down", "right", "above", "before"),
    assemble: ("above", "before", "down", "right", "few", "step", "cell", "window"),
    see_cells: ("zero", "lengths", "positions"),
    presence_saliency: ("zero", "lengths", "positions", "k"),
}  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_what_fits_is_computed(function):
    function()


@pytest.mark.parametrize(
    ("function", "name"), [(f, n) for f, names in FUNCTIONS.items() for n in names],
    ids=lambda one: getattr(one, "__name__", one),
)  # fmt: skip
def test_a_number_that_overflows_is_refused(function, name):
    for value in HUGE:
        with pytest.raises(ValueError, match="do not fit each other"):
            function(**{name: value})


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_two_numbers_that_overflow_together_are_refused(function):
    for names in itertools.combinations(FUNCTIONS[function], 2):
        for values in itertools.product(HUGE, repeat=2):
            with pytest.raises(ValueError, match="do not fit each other"):
                function(**dict(zip(names, values)))


@pytest.mark.parametrize("shape", [(0, 2**40, 3), (2**62, 0, 1), (2**33, 2**29, 0)])
def test_an_array_without_values_may_not_be_long(shape):
    empty = np.lib.stride_tricks.as_strided(np.zeros(1, np.int8), shape, (0, 0, 0)).astype(np.int8, copy=False)
    with pytest.raises((ValueError, BufferError)):
        compiled._compiled.put_pixels(np.zeros((1, 1, 1), np.uint8), np.ascontiguousarray(empty), (0, 0))


def test_arrays_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match="do not fit each other"):
        compiled._compiled.select_cells(np.zeros((2, 2), np.float32), np.zeros((5, 2), np.intp))
    with pytest.raises(ValueError, match="do not fit each other"):
        compiled._compiled.put_rows(np.zeros((2, 3), np.int8), np.array([MOST]), np.zeros((1, 3), np.int8))
    with pytest.raises(ValueError, match="do not fit each other"):
        compiled._compiled.classify(
            np.zeros((2, 3), np.int8), np.zeros(4), np.zeros(3, np.int8), np.zeros(2),
        )  # fmt: skip
