import numpy as np
import pytest

from train.data.rendering import training_scenes
from train.data.rendering.training_scenes import SIZE, render_scene

EVEN = (0.125,) * 8


def scenes(count=120, seed=0, **values):
    return [render_scene(np.random.default_rng([seed, i]), lengths=EVEN, **values) for i in range(count)]


def test_a_scene_is_determined_by_its_generator():
    for one, other in zip(scenes(10), scenes(10)):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.boxes, other.boxes)
        assert (one.label, one.style) == (other.label, other.style)


def test_numbers_of_every_length_are_in_the_picture_and_of_many_heights():
    made = scenes(300)
    assert {len(scene.label) for scene in made} == set(range(1, 9))
    for scene in made:
        assert scene.image.shape == SIZE
        assert scene.image.dtype == np.uint8
        assert scene.boxes.shape == (len(scene.label), 4)
        assert (scene.boxes > -0.01).all()
        assert (scene.boxes <= np.array(SIZE[::-1] * 2) + 0.01).all()
        assert (np.diff(scene.boxes[:, [0, 2]].mean(axis=1)) > 0).all()
    short = [scene for scene in made if len(scene.label) <= 2]
    heights = np.array([np.median(scene.boxes[:, 3] - scene.boxes[:, 1]) for scene in short]) / SIZE[0]
    assert np.percentile(heights, 5) < 0.25
    assert np.percentile(heights, 95) > 0.6
    assert np.median(heights) == pytest.approx(0.39, abs=0.06)


def test_the_ink_lies_in_the_boxes(monkeypatch):
    monkeypatch.setattr(training_scenes, "LOW_RESOLUTION", 0)
    shares = []
    for i in range(100):
        one, other = (
            render_scene(np.random.default_rng([2, i]), (120, 240), lengths=EVEN, painted=painted)
            for painted in (True, False)
        )
        assert (other.label, len(other.boxes), other.style) == ((), 0, one.style)
        change = np.abs(one.image.astype(float) - other.image)
        if change.max() < 8:
            continue  # too dark or too hazy to tell
        left, top, right, bottom = one.box
        height = np.median(one.boxes[:, 3] - one.boxes[:, 1])
        rows, columns = np.nonzero(change)
        reach = 18 + 0.6 * height  # of outlines, shadows, blur and JPEG's blocks
        assert left - reach < columns.min() <= columns.max() < right + reach, i
        assert top - reach < rows.min() <= rows.max() < bottom + reach, i
        strong = change > 0.5 * np.percentile(change[change > 0], 95)
        y, x = np.nonzero(strong)
        near = ((x[:, None] + 0.5 >= one.boxes[:, 0] - 2) & (x[:, None] + 0.5 <= one.boxes[:, 2] + 2)) & (
            (y[:, None] + 0.5 >= one.boxes[:, 1] - 2) & (y[:, None] + 0.5 <= one.boxes[:, 3] + 2)
        )
        shares.append(near.any(axis=1).mean())
        for left, top, right, bottom in one.boxes.astype(int):  # every digit has ink
            assert change[max(top, 0) : bottom + 1, max(left, 0) : right + 1].max() > 0.1 * change.max(), i
    assert np.quantile(shares, 0.05) > 0.85  # what is not is an outline or a shadow
