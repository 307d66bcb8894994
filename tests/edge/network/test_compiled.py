"""The kernels in C against those in NumPy."""

import gc
import shlex
import shutil
import sysconfig
import weakref
from pathlib import Path

import numpy as np
import pytest

from edge.network import assembly, compiled, patches, saliency, softmaxes

needs_compiled = pytest.mark.skipif(not compiled.IS_COMPILED, reason="edge was installed without a C compiler")

# Kernel size, depth, strides, padding and map size; a depth of 5 is no multiple of what is added at a time.
GEOMETRIES = {
    "shipped": ((4, 4, 24), (2, 2), ((0, 0), (0, 0)), (23, 23)),
    "padded": ((3, 2, 5), (2, 1), ((1, 2), (0, 1)), (7, 6)),
    "apart": ((2, 2, 4), (3, 3), ((0, 0), (0, 0)), (9, 10)),
    "one": ((4, 4, 8), (1, 1), ((0, 0), (0, 0)), (4, 4)),
}


def random_activations(rng, windows, filters, dtype):
    """With many equal ones, as int8 has."""
    return rng.integers(0, 18, (windows, filters)).astype(dtype)


def test_it_is_compiled_where_there_is_a_compiler():
    """Pip goes on without, also where the C itself is wrong: that must not skip the tests below in silence."""
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not (shutil.which(compiler) and header.exists()):
        pytest.skip(f"no {compiler} or no {header.name}")
    assert compiled.IS_COMPILED, "install it again: pip install --no-deps -e . (-v tells why it is not compiled)"


@needs_compiled
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.float32])
@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("filters", [11, 64, 135])  # as bits of less than a word, one, and more than two
def test_the_saliency(name, dtype, filters):
    rng = np.random.default_rng(0)
    (*size, depth), strides, padding, map_size = GEOMETRIES[name]
    classes = 3
    kernel, dense = rng.normal(size=(*size, depth, filters)), rng.normal(size=(filters, classes))
    windows = np.prod(saliency.count_windows(map_size, padding, size, strides))
    activations = random_activations(rng, windows, filters, dtype)
    activations[:, 4] = 0
    maxima, zero = activations.max(axis=0), 9  # filter 4 is never above it
    log_probabilities = np.log([0.5, 0.3, 0.2])
    arguments = (activations, maxima, maxima > zero, log_probabilities, softmaxes.class_entropy(log_probabilities))
    wanted, found = (
        form(kernel, dense, strides, padding, map_size)(*arguments)
        for form in (saliency.ClassifierSaliency, compiled.ClassifierSaliency)
    )
    assert wanted.max() > 0
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6 * wanted.max())


@needs_compiled
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.float32])
def test_the_answer(dtype):
    rng = np.random.default_rng(1)
    activations = random_activations(rng, 30, 11, dtype)
    weights = rng.uniform(0.1, 1, 11), rng.normal(size=11), rng.normal(size=(11, 3)), rng.normal(size=3)
    (maxima, log_probabilities, entropy), (wanted_maxima, wanted, wanted_entropy) = (
        form(*weights)(activations) for form in (compiled.Classifier, saliency.Classifier)
    )
    np.testing.assert_array_equal(maxima, wanted_maxima, strict=True)
    np.testing.assert_allclose(log_probabilities, wanted, rtol=1e-12)
    assert entropy == pytest.approx(wanted_entropy, rel=1e-12)


@needs_compiled
def test_a_certain_answer_has_no_entropy():
    classifier = compiled.Classifier(np.ones(2), np.zeros(2), np.array([[1e4, 0], [0, 0.0]]), np.zeros(2))
    _, log_probabilities, entropy = classifier(np.array([[3, 1]], np.int8))
    assert log_probabilities.tolist() == [0, -3e4]
    assert entropy == 0


@needs_compiled
@pytest.mark.parametrize("k", [1, 2, 8, 41, 42])
def test_the_cells(k):
    scores = np.random.default_rng(2).integers(0, 9, (6, 7)).astype(np.float32)  # many are equal
    found = compiled.select_cells(scores, k)
    np.testing.assert_array_equal(found, saliency.select_cells(scores, k), strict=True)


@needs_compiled
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.float32])
@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("k", [1, 3])
def test_what_the_swap_changes(name, dtype, k):
    rng = np.random.default_rng(3)
    (*size, depth), strides, padding, map_size = GEOMETRIES[name]
    features = rng.integers(0, 99, (*map_size, depth)).astype(dtype)
    fine_features = rng.integers(0, 99, (k, depth)).astype(dtype)
    cells = np.stack(np.divmod(rng.permutation(map_size[0] * map_size[1])[:k], map_size[1]), axis=1)
    forms = [
        form(map_size, padding, strides, (*size, depth), dtype, 7) for form in (assembly.Assembler, compiled.Assembler)
    ]
    for _ in range(2):  # what an image leaves behind is not seen in the next one
        (wanted, wanted_indices), (found, indices) = (form(features, fine_features, cells) for form in forms)
        np.testing.assert_array_equal(indices, wanted_indices, strict=True)
        np.testing.assert_array_equal(found, wanted, strict=True)
        features, cells = features[::-1].copy(), cells[::-1].copy()
    activations = [rng.integers(0, 99, (forms[0].num_windows, 5)).astype(dtype)] * 2
    activations[1] = activations[0].copy()
    rows = np.repeat(np.arange(len(indices)), 5).reshape(-1, 5).astype(dtype)
    for form, into in zip(forms, activations):
        form.put(into, indices, rows)
    np.testing.assert_array_equal(*activations)


LAYOUTS = {  # of windows of 5 x 9 pixels
    "none": None,
    "rows": {"margins": [[0, 0], [0, 0]], "group": [1, 4], "step": [1, 2]},
    "words": {"margins": [[0, 0], [0, 0]], "group": [3, 4], "step": [1, 2]},
    "margins": {"margins": [[1, 2], [3, 4]], "group": [3, 4], "step": [2, 2]},
    "a long step": {"margins": [[0, 0], [1, 6]], "group": [2, 8], "step": [3, 8]},
    "larger than the window": {"margins": [[2, 3], [3, 12]], "group": [7, 16], "step": [1, 4]},
    "far outside": {"margins": [[4, 4], [9, 9]], "group": [2, 4], "step": [2, 2]},
    "no word": {"margins": [[0, 0], [2, 3]], "group": [5, 7], "step": [1, 1]},
}


@needs_compiled
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", LAYOUTS)
def test_the_windows(name, channels, dtype):
    rng, image_shape, places = np.random.default_rng(4), (20, 30, channels), ((4, 6), (-2, -3), (5, 5))
    canvas = patches.Canvas(image_shape, patches.reach(image_shape, *places, (5, 9)), dtype, 7)
    wanted, found = (form(canvas, *places, (5, 9), LAYOUTS[name]) for form in (patches.Cutter, compiled.Cutter))
    cells = np.stack(np.divmod(np.arange(24), 6), axis=1)
    for chosen in (cells, cells[5:7], cells[::-1].copy(), cells[:0]):
        canvas.image[...] = rng.integers(0, 99, image_shape)
        np.testing.assert_array_equal(found.cut(chosen), wanted.cut(chosen), strict=True)


@needs_compiled
@pytest.mark.parametrize(("margin", "columns"), [(0, 30), (3, 30), (0, 9)])
def test_groups_of_odd_rows_of_the_whole_canvas(margin, columns):
    """What is read behind a row is of the next row, and there is none behind the last."""
    layout = {"margins": [[0, margin], [margin, 0]], "group": [7, 9], "step": [2, 4]}
    canvas = patches.Canvas((15, columns, 1), dtype=np.int8, zero=-128)
    canvas.image[...] = np.random.default_rng(5).integers(-128, 128, canvas.image.shape)
    place = np.zeros((1, 2), np.intp)
    wanted, found = (
        form(canvas, (1, 1), (0, 0), (1, 1), (15, columns), layout).cut(place)
        for form in (patches.Cutter, compiled.Cutter)
    )
    np.testing.assert_array_equal(found, wanted, strict=True)


@needs_compiled
def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        compiled.select_cells(np.zeros((2, 2), np.float32), 5)
    with pytest.raises(ValueError, match=r"array 0 must be of type f with 2 dimensions, received d with 2"):
        compiled.select_cells(np.zeros((2, 2)), 1)
    classifier = compiled.Classifier(np.ones(2), np.zeros(2), np.ones((2, 3)), np.zeros(3))
    with pytest.raises(ValueError, match="do not fit"):
        classifier(np.zeros((4, 3), np.int8))
    with pytest.raises(ValueError, match="contiguous"):
        classifier(np.zeros((4, 4), np.int8)[:, ::2])
    form = compiled.ClassifierSaliency(np.ones((2, 2, 4, 3)), np.ones((3, 2)), (1, 1), ((0, 0), (0, 0)), (3, 3))
    maxima, log_probabilities = np.ones(3, np.int8), np.log([0.5, 0.5])
    form(np.ones((4, 3), np.int8), maxima, maxima > 0, log_probabilities, 0.7)
    for windows, filters in ((5, 3), (3, 3), (4, 2)):
        with pytest.raises(ValueError, match="do not fit"):
            form(np.ones((windows, filters), np.int8), maxima, maxima > 0, log_probabilities, 0.7)
    canvas = patches.Canvas((6, 6, 1))
    for cell in ([0, 2], [-1, 0]):
        with pytest.raises(ValueError, match="do not fit"):
            compiled.Cutter(canvas, (2, 2), (0, 0), (3, 3), (3, 3)).cut(np.array([cell]))
    assembler = compiled.Assembler((3, 3), ((0, 0), (0, 0)), (1, 1), (2, 2, 4), np.int8, 0)
    features, fine_features = np.zeros((3, 3, 4), np.int8), np.zeros((1, 4), np.int8)
    assembler(features, fine_features, np.array([[2, 2]]))
    for cell in ([3, 0], [0, -1]):
        with pytest.raises(ValueError, match="do not fit"):
            assembler(features, fine_features, np.array([cell]))
    for index in (-1, 4):
        with pytest.raises(ValueError, match="do not fit"):
            assembler.put(np.zeros((4, 3), np.int8), np.array([index]), np.zeros((1, 3), np.int8))


@needs_compiled
def test_a_cutter_that_is_dropped_frees_its_memory_at_once():
    canvas = patches.Canvas((8, 8, 1))
    cutter = compiled.Cutter(canvas, (2, 2), (0, 0), (4, 4), (4, 4))
    assert cutter.cut(np.array([[0, 1]])).shape == (1, 4, 4, 1)
    left = weakref.ref(cutter)
    gc.disable()
    try:
        del cutter
        assert left() is None
    finally:
        gc.enable()
