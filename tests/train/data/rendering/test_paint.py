import numpy as np
import pytest
from PIL import Image, ImageFilter

from train.data.rendering import paint
from train.data.rendering.paint import blend, cloud, noise, paint_number, ramp, resized, shifted, stamp


def test_blending_covers_where_the_mask_is_one_and_mixes_between():
    surface = np.full((1, 3), 100, np.float32)
    blend(surface, np.array([[0, 0.5, 1]], np.float32), 200)
    assert surface.tolist() == [[100, 150, 200]]


def test_shifting_equals_a_loop():
    mask = np.random.default_rng(0).random((6, 7), np.float32)
    for dx, dy in [(0, 0), (2, 1), (-3, 2), (1, -4), (-2, -2)]:
        expected = np.zeros_like(mask)
        for y in range(6):
            for x in range(7):
                if 0 <= y - dy < 6 and 0 <= x - dx < 7:
                    expected[y, x] = mask[y - dy, x - dx]
        np.testing.assert_array_equal(shifted(mask, dx, dy), expected)


def test_every_style_leaves_the_far_ground_alone_and_marks_the_digits():
    ink = np.zeros((60, 80), np.uint8)
    ink[20:40, 30:50] = 255
    for seed in range(80):
        surface = np.full(ink.shape, 50, np.float32)
        paint_number(np.random.default_rng(seed), surface, ink, 200, 20)
        assert surface.dtype == np.float32
        assert np.ptp([*surface[:6].ravel(), *surface[:, :10].ravel()]) < 1e-3, seed
        assert np.abs(surface[17:43, 27:53] - 50).max() > 60, seed


def test_clouds_are_smooth_and_of_deviation_about_one():
    made = [cloud(np.random.default_rng(seed), (40, 90), 5) for seed in range(40)]
    assert made[0].shape == (40, 90)
    assert 0.5 < np.std(made) < 1.1
    assert np.mean([np.abs(np.diff(c, axis=1)).mean() for c in made]) < 0.15


@pytest.mark.parametrize("corner", [(0, 0), (3, 2), (-2, -3), (7, 5), (20, 2), (-20, 2), (2, 20), (2, -20)])
def test_stamping_equals_blending_what_of_the_mask_lies_inside(corner):
    rng = np.random.default_rng(0)
    mask, tones = rng.random((2, 5, 6), np.float32)
    for value in (200.0, tones):
        surface, expected = np.full((2, 8, 10), 50, np.float32)
        for y in range(5):
            for x in range(6):
                row, column = y + corner[1], x + corner[0]
                if 0 <= row < 8 and 0 <= column < 10:
                    tone = value[y, x] if np.ndim(value) else value
                    expected[row, column] += (tone - 50) * mask[y, x]
        stamp(surface, mask, corner, value)
        np.testing.assert_allclose(surface, expected, rtol=1e-6)


def test_strokes_grow_as_a_maximum_filter_grows_them():
    ink = np.random.default_rng(0).integers(256, size=(20, 31)).astype(np.uint8)
    for step in (1, 2, 3, 5):
        expected = Image.fromarray(ink).filter(ImageFilter.MaxFilter(2 * min(step, 3) + 1))
        np.testing.assert_array_equal(paint._grown(ink.astype(np.float32), step), expected)


def test_noise_is_normal_uncorrelated_and_another_for_every_draw():
    rng = np.random.default_rng(0)
    one, other = noise(rng, (200, 300)), noise(rng, (200, 300))
    assert one.dtype == np.float32
    assert abs(one.mean()) < 0.02
    assert one.std() == pytest.approx(1, abs=0.02)
    assert abs((one * other).mean()) < 0.02
    assert abs((one[1:] * one[:-1]).mean()) < 0.02
    np.testing.assert_array_equal(one, noise(np.random.default_rng(0), (200, 300)))
    assert noise(rng, (1500, 1000)).shape == (1500, 1000)  # more than the usual strip holds


def test_a_ramp_is_even():
    np.testing.assert_allclose(ramp(5), [-1, -0.5, 0, 0.5, 1])


def test_a_shrunken_picture_holds_averages_and_a_grown_one_what_is_between():
    picture = np.random.default_rng(0).random((12, 20), np.float32)
    np.testing.assert_allclose(resized(picture, (4, 5)), picture.reshape(4, 3, 5, 4).mean((1, 3)), rtol=1e-5)
    np.testing.assert_allclose(resized(np.array([[0, 8]], np.float32), (1, 4)), [[0, 2, 6, 8]])
