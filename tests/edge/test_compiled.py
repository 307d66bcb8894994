"""What is compiled against what NumPy says."""

import shlex
import shutil
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from edge import compiled, saliency

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
def test_the_saliency(name, dtype):
    rng = np.random.default_rng(0)
    (*size, depth), strides, padding, map_size = GEOMETRIES[name]
    filters, classes = 11, 3
    kernel, dense = rng.normal(size=(*size, depth, filters)), rng.normal(size=(filters, classes))
    windows = np.prod(saliency.count_windows(map_size, padding, size, strides))
    activations = random_activations(rng, windows, filters, dtype)
    activations[:, 4] = 0
    maxima, zero = activations.max(axis=0), 9  # filter 4 is never above it
    log_probabilities = np.log([0.5, 0.3, 0.2])
    arguments = (activations, maxima, maxima > zero, log_probabilities, saliency.class_entropy(log_probabilities))
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
