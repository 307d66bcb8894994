import numpy as np
import pytest
from PIL import Image

from edge.network import compiled, scaling

needs_compiled = pytest.mark.skipif(not compiled.IS_COMPILED, reason="edge was installed without a C compiler")
SIZES = [
    ((480, 640), (677, 902)),
    ((480, 640), (42, 56)),
    ((37, 53), (37, 20)),  # across alone, and down alone
    ((37, 53), (90, 53)),
    ((16, 16), (15, 17)),
    ((1, 1), (5, 3)),
    ((1, 40), (1, 7)),
    ((40, 1), (7, 1)),
    ((250, 3), (1, 1)),
    ((19, 35), (300, 301)),
    ((300, 60), (150, 30)),  # tall
]


def pillow(pixels, size):
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR))


def random_image(size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size, np.uint8)


@needs_compiled
@pytest.mark.parametrize(("before", "after"), SIZES)
def test_compiled_scaling_is_pillows_to_the_bit(before, after):
    pixels = random_image(before)
    np.testing.assert_array_equal(compiled.scale(pixels[..., None], after)[..., 0], pillow(pixels, after))


@needs_compiled
def test_sizes_at_random():
    rng = np.random.default_rng(1)
    for seed in range(300):
        before, after = (tuple(rng.integers(1, rng.choice([20, 150]), 2)) for _ in range(2))
        pixels = random_image(before, seed)
        np.testing.assert_array_equal(compiled.scale(pixels[..., None], after)[..., 0], pillow(pixels, after))


@needs_compiled
def test_white_stays_white_and_a_view_is_read_as_it_looks():
    white = np.full((700, 90, 1), 255, np.uint8)
    assert compiled.scale(white, (3, 31)).min() == 255
    pixels = random_image((60, 80))[::2, ::-1]
    np.testing.assert_array_equal(compiled.scale(pixels[..., None], (11, 99))[..., 0], pillow(pixels.copy(), (11, 99)))


@needs_compiled
@pytest.mark.parametrize("shape", [(30, 40, 3), (20_000, 2, 1)])
def test_colours_and_vast_ratios_are_pillows_own(shape):
    pixels = random_image(shape)
    np.testing.assert_array_equal(compiled.scale(pixels, (1, 7)), scaling.scale(pixels, (1, 7)))


def test_the_weights_of_a_row_that_is_halved():
    first, weights = scaling.axis_weights(8, 4)
    assert first.tolist() == [0, 1, 3, 4]
    expected = np.array([[3, 3, 1, 0], [1, 3, 3, 1], [1, 3, 3, 1], [0, 1, 3, 3]]) / [[7], [8], [8], [7]]
    np.testing.assert_allclose(weights / 2**scaling.WEIGHT_BITS, expected, atol=1e-6)


@needs_compiled
def test_weights_that_do_not_fit_are_refused():
    image, out = np.zeros((6, 8), np.uint8), np.zeros((3, 4), np.uint8)
    columns, rows = scaling.axis_weights(8, 4), scaling.axis_weights(6, 3)
    compiled._compiled.resize(image, *columns, *rows, out)
    beyond = columns[0] + np.int32(1), columns[1]
    negative = columns[0] - np.int32(1), columns[1]
    none = columns[0], columns[1][:, :0].copy()
    for wrong in (beyond, negative, none, rows):
        with pytest.raises(ValueError, match="do not fit"):
            compiled._compiled.resize(image, *wrong, *rows, out)
