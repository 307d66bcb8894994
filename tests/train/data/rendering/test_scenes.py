import numpy as np
import pytest

from train.data.rendering import camera
from train.data.rendering.scenes import render_crop, render_photograph


def crops(count=120, seed=0):
    return [render_crop(np.random.default_rng([seed, i]), (64, 128)) for i in range(count)]


def inside(boxes, size, slack=0.0):
    low, high = boxes.min(axis=0), boxes.max(axis=0)
    return (low[:2] >= -slack).all() and high[2] <= size[1] + slack and high[3] <= size[0] + slack


def test_a_crop_is_fully_determined_by_its_generator():
    for one, other in zip(crops(10), crops(10)):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.boxes, other.boxes)
        assert one.label == other.label
    assert not np.array_equal(crops(1)[0].image, crops(1, seed=1)[0].image)


def test_digits_lie_in_a_crop_as_in_those_of_svhn():
    made = crops(300)
    widths = [(c.boxes[:, 2].max() - c.boxes[:, 0].min()) / 128 for c in made]
    heights = [(c.boxes[:, 3].max() - c.boxes[:, 1].min()) / 64 for c in made]
    assert np.median(widths) == pytest.approx(0.63, abs=0.03)
    assert np.median(heights) == pytest.approx(0.85, abs=0.03)
    for crop in made:
        assert crop.image.shape == (64, 128)
        assert crop.image.dtype == np.uint8
        assert crop.boxes.shape == (len(crop.label), 4)
        assert inside(crop.boxes, (64, 128), slack=4)


def test_either_digits_or_ground_may_be_the_lighter_and_the_digits_are_seen():
    lighter, contrasts = [], []
    for crop in crops(300):
        middle = crop.image[16:48, 24:104].astype(float)
        low, high = np.percentile(middle, [5, 95])
        contrasts.append(high - low)
        lighter.append(np.mean(middle > (low + high) / 2) < 0.5)
    assert 0.3 < np.mean(lighter) < 0.7
    assert np.percentile(contrasts, 5) > 15


@pytest.mark.parametrize("size", [(128, 128), (128, 512), (300, 200), (512, 512)])
def test_photographs_frame_every_digit_inside_the_picture(size):
    for i in range(4):
        photograph = render_photograph(np.random.default_rng([5, i]), size)
        assert photograph.image.shape == size
        assert photograph.image.dtype == np.uint8
        assert len(photograph.boxes) == len(photograph.label)
        assert inside(photograph.boxes, size)
        assert (np.diff(photograph.boxes[:, 0]) > 0).all()


def test_numbers_take_about_a_fifth_of_a_photographs_width():
    made = [render_photograph(np.random.default_rng([6, i]), (160, 320)) for i in range(60)]
    shares = [(p.boxes[:, 2].max() - p.boxes[:, 0].min()) / 320 for p in made]
    assert np.median(shares) == pytest.approx(0.2, abs=0.04)
    assert min(shares) > 0.02
    assert max(shares) < 0.55


def test_no_picture_shows_what_is_beyond_its_scene(monkeypatch):
    warp = camera.warp
    monkeypatch.setattr(camera, "warp", lambda surface, *rest: warp(np.full_like(surface, 255), *rest))
    monkeypatch.setattr(camera, "photograph", lambda rng, picture, height: camera.as_bytes(picture))
    for i in range(60):
        assert render_crop(np.random.default_rng([7, i]), (64, 128)).image.min() == 255
    for i in range(15):
        assert render_photograph(np.random.default_rng([8, i]), (128, 200)).image.min() == 255
