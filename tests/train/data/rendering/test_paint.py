import numpy as np

from train.data.rendering.paint import blend, cloud, paint_number, shifted


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
