import numpy as np
import pytest

from train.data.rendering.real_patches import (
    continued,
    digit_boxes,
    photograph_of_entry,
    real_pixels,
    semi_real_photograph,
)

ENTRY = {
    "file": "7.png",
    "frame_size": [150, 80],
    "frame_origin": [60, 25],
    "scale": 1.0,
    "boxes": [
        {"left": 5, "top": 0, "width": 10, "height": 24},
        {"left": 20.5, "top": 2, "width": 12, "height": 24},
    ],
}


def patch(seed=0, shape=(26, 40)):
    """Returns two dark bars on a light ground, softly lit."""
    values = np.random.default_rng(seed).normal(180, 1.0, shape) + np.linspace(0, 10, shape[1])
    values[3:21, 7:12] -= 90
    values[5:23, 24:29] -= 90
    return values.astype(np.uint8)


def test_boxes_are_corners():
    np.testing.assert_allclose(digit_boxes(ENTRY), [[5, 0, 15, 24], [20.5, 2, 32.5, 26]])


def test_real_is_the_square_about_each_digit():
    real = real_pixels((26, 40), digit_boxes(ENTRY))
    expected = np.zeros((26, 40), bool)
    expected[0:24, 0:22] = True  # about (10, 12), 12 to each side, cut by the patch
    expected[2:26, 14:38] = True  # about (26.5, 14)
    assert (real != expected).mean() < 0.03  # half pixels are rounded


@pytest.mark.parametrize("scale", [1.0, 0.4])
def test_a_photograph_is_of_its_size_with_the_number_in_its_place(scale):
    frame = [round(150 / scale), round(80 / scale)]
    entry = ENTRY | {"scale": scale, "frame_size": frame, "frame_origin": [round(60 / scale), round(25 / scale)]}
    for seed in range(10):
        image, box = semi_real_photograph(np.random.default_rng(seed), patch(seed), entry)
        assert image.shape == tuple(frame[::-1])
        assert image.dtype == np.uint8
        np.testing.assert_allclose(box * scale, (65, 25, 92.5, 51), atol=0.6)
        left, top, right, bottom = np.round(box).astype(int)
        small = image[top:bottom, left:right].astype(float)
        seen = np.corrcoef(small[:, : round(6 / scale)].mean(1), np.arange(bottom - top))
        assert np.isfinite(seen).all()
        dark = image[round(34 / scale) : round(40 / scale), round(68 / scale) : round(71 / scale)].mean()
        light = image[round(34 / scale) : round(40 / scale), round(76 / scale) : round(80 / scale)].mean()
        assert light - dark == pytest.approx(90, abs=12)


def test_the_real_pixels_are_kept_and_the_seam_is_no_step():
    real = real_pixels((26, 40), digit_boxes(ENTRY))
    for seed in range(20):
        image = semi_real_photograph(np.random.default_rng(seed), patch(seed), ENTRY)[0].astype(float)
        window = image[25:51, 60:100]
        assert np.abs(window - patch(seed))[real].mean() < 4  # it was stored as JPEG
        above, below = image[24, 62:80], image[25, 62:80]
        assert np.abs(above - below).mean() < 12, seed


def test_a_scene_goes_on_where_the_pixels_end():
    rng = np.random.default_rng(0)
    scene = np.full((60, 90), 40, np.float32)
    known, pixels = np.zeros((60, 90), bool), np.zeros((60, 90), np.float32)
    known[20:40, 30:60] = True
    pixels[known] = rng.normal(200, 2, 600)
    made = continued(scene, pixels, known)
    np.testing.assert_array_equal(made[known], pixels[known])
    np.testing.assert_allclose(made, 200, atol=12)  # everywhere as bright as they are


def test_a_stroke_at_the_border_fades_and_brightness_goes_on():
    scene = np.full((80, 80), 100, np.float32)
    known, pixels = np.zeros((80, 80), bool), np.zeros((80, 80), np.float32)
    known[30:50, 20:60], pixels[30:50, 20:60] = True, 100
    pixels[30:50, 38:42] = 0
    made = continued(scene, pixels, known)
    assert made[29, 40] < 60
    np.testing.assert_allclose(made[:22], 100, atol=3)


def test_it_depends_on_the_files_name_alone():
    one, other = (photograph_of_entry(patch(), ENTRY, (10, 10)) for _ in range(2))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])
    renamed, _ = photograph_of_entry(patch(), ENTRY | {"file": "8.png"}, (10, 10))
    assert not np.array_equal(one[0], renamed)


def test_small_photographs_are_enlarged_as_a_whole():
    image, box = photograph_of_entry(patch(), ENTRY, (10, 10))
    larger, its_box = photograph_of_entry(patch(), ENTRY, (120, 110))
    assert image.shape == (80, 150)
    assert larger.shape == (120, 225)
    np.testing.assert_allclose(its_box, box * 1.5)
    wide, _ = photograph_of_entry(patch(), ENTRY, (80, 300))
    assert wide.shape == (160, 300)


@pytest.mark.parametrize(
    "values",
    [
        {"frame_size": [41, 27], "frame_origin": [0, 0]},  # hardly any surroundings
        {"frame_size": [30, 20], "frame_origin": [0, 0]},  # less than the patch
        {"frame_size": [300, 150], "frame_origin": [280, 140]},  # partly outside
        {"boxes": [{"left": 3, "top": 3, "width": 1, "height": 1}]},
        {"boxes": [{"left": 0, "top": 0, "width": 40, "height": 26}]},  # all of it real
    ],
)
def test_odd_places_still_give_a_picture(values):
    entry = ENTRY | values
    for seed in range(5):
        image, box = semi_real_photograph(np.random.default_rng(seed), patch(), entry)
        assert image.shape == tuple(entry["frame_size"][::-1])
        assert (box[:2] >= 0).all()
        assert (box[2:] <= entry["frame_size"]).all()
