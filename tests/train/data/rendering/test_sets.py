import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from train.data.rendering import cache, sets
from train.data.rendering.layout import LENGTHS, MAX_DIGITS
from train.data.rendering.scenes import render_crop, render_photograph
from train.data.rendering.sets import (
    ANY_SIZES,
    EMPTY,
    PHOTOGRAPH_SIZES,
    load_crops,
    load_photographs,
    load_scenes,
    render_all,
)
from train.data.rendering.training_scenes import render_scene

SIZE = (24, 48)


@pytest.fixture(autouse=True)
def cache_of_the_test(monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "FOLDER", tmp_path)


@pytest.fixture
def renderings(monkeypatch):
    """Returns a list that grows by one with every set that is drawn."""
    calls, render = [], sets.render_all
    monkeypatch.setattr(sets, "render_all", lambda *arguments: calls.append(arguments) or render(*arguments))
    return calls


def test_a_crop_depends_on_its_index_and_on_nothing_else():
    made = load_crops("validation", 30, SIZE)
    fewer = load_crops("validation", 7, SIZE)
    np.testing.assert_array_equal(made.images[:7], fewer.images)
    np.testing.assert_array_equal(made.boxes[:7], fewer.boxes)
    alone = render_crop(np.random.default_rng([sets.SPLIT_SEEDS["validation"], 29]), SIZE, "validation")
    np.testing.assert_array_equal(made.images[29], alone.image)
    np.testing.assert_array_equal(made.boxes[29], alone.box)
    assert made.numbers[29] == made.digits[29][made.digits[29] != EMPTY].tolist() == list(alone.label)


@pytest.mark.parametrize(
    ("render", "sizes"),
    [
        (partial(sets._crop, "test", SIZE, 2.0, LENGTHS), [SIZE] * 18),
        (
            partial(sets._photograph, "test", 1, PHOTOGRAPH_SIZES, LENGTHS, True),
            [sets._photograph_size(sets._generator("test", 1, i)) for i in range(6)],
        ),
    ],
)
def test_the_number_of_workers_changes_nothing(monkeypatch, render, sizes):
    monkeypatch.setattr(sets, "CHUNK", 5 * 24 * 48)
    one, two = (render_all(render, sizes, workers=workers) for workers in (1, 2))
    for name in ("pixels", "digits", "boxes", "digit_boxes", "styles"):
        np.testing.assert_array_equal(one[name], two[name])


def test_splits_share_no_image():
    parts = [load_crops(split, 60, SIZE).images for split in ("train", "validation", "test")]
    assert len({image.tobytes() for images in parts for image in images}) == 180


def test_photographs_are_of_several_sizes_and_their_numbers_lie_inside():
    made = load_photographs("test", 24)
    assert {image.shape for image in made.images} <= set(PHOTOGRAPH_SIZES)
    assert len({image.shape for image in made.images}) > 5
    for image, (left, top, right, bottom), number in zip(made.images, made.boxes, made.numbers):
        assert image.dtype == np.uint8
        assert 0 <= left < right <= image.shape[1]
        assert 0 <= top < bottom <= image.shape[0]
        assert 1 <= len(number) <= 5
    fewer = load_photographs("test", 5)
    for image, same in zip(made.images, fewer.images):
        np.testing.assert_array_equal(image, same)


def test_every_digit_has_its_box_and_zeros_follow():
    made = load_photographs("test", 6, lengths=(0, 0, 0.5, 0.5))
    assert made.digit_boxes.shape == (6, MAX_DIGITS, 4)
    assert made.digits.shape == (6, MAX_DIGITS)
    assert made.styles.tolist() == ["house"] * 6
    for image, box, boxes, number in zip(made.images, made.boxes, made.digit_boxes, made.numbers):
        assert len(number) in (3, 4)
        assert not boxes[len(number) :].any()
        known = boxes[: len(number)]
        np.testing.assert_allclose(box[:2], known[:, :2].min(axis=0).clip(0), rtol=1e-5)
        np.testing.assert_allclose(box[2:], known[:, 2:].max(axis=0).clip(max=image.shape[::-1]), rtol=1e-5)


def test_numbers_are_as_long_as_asked_for():
    lengths = (0, 0, 0, 0, 0, 0, 0.5, 0.5)
    assert {len(number) for number in load_crops("train", 20, SIZE, lengths=lengths).numbers} == {7, 8}


def test_photographs_of_any_size_hold_numbers_up_to_nearly_half_of_their_height():
    made = load_photographs("test", 80, sizes=ANY_SIZES)
    assert {side for image in made.images for side in image.shape} >= {96, 640}
    assert {image.shape for image in made.images} <= set(ANY_SIZES)
    heights = made.digit_boxes[:, 0, 3] - made.digit_boxes[:, 0, 1]
    shares = heights / [len(image) for image in made.images]
    assert 10 < heights.min() < 22
    assert heights.max() > 100
    assert 0.35 < shares.max() < 0.6


def test_a_photograph_without_its_number_is_the_same_elsewhere():
    made, empty = (load_photographs("test", 8, painted=painted) for painted in (True, False))
    assert empty.numbers == [[]] * 8
    assert (empty.digits == EMPTY).all()
    assert not empty.boxes.any()
    assert not empty.digit_boxes.any()
    for one, other, box in zip(made.images, empty.images, made.boxes):
        reach = 16 + 0.6 * (box[3] - box[1])  # of outlines, shadows, blur and JPEG's blocks
        left, top, right, bottom = box
        rows, columns = np.nonzero(one != other)
        assert len(rows) > 0.1 * (right - left) * (bottom - top)
        assert left - reach < columns.min() <= columns.max() < right + reach
        assert top - reach < rows.min() <= rows.max() < bottom + reach
    rng = np.random.default_rng([sets.SPLIT_SEEDS["test"], 7, 1])
    size = sets._photograph_size(rng)
    np.testing.assert_array_equal(empty.images[7], render_photograph(rng, size, "test", painted=False).image)


def test_sets_are_drawn_once_and_again_for_another_split_size_count_or_looseness(tmp_path, renderings):
    first, again = (load_crops("train", 8, SIZE) for _ in range(2))
    assert len(renderings) == 1
    for name in ("images", "digits", "boxes"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    load_crops("test", 8, SIZE)
    load_crops("train", 9, SIZE)
    load_crops("train", 8, (16, 32))
    load_crops("train", 8, SIZE, looseness=2.0)
    assert len(renderings) == 5
    one, same = (load_photographs("test", 2) for _ in range(2))
    assert len(renderings) == 6
    assert [image.tobytes() for image in one.images] == [image.tobytes() for image in same.images]
    assert len(list(tmp_path.iterdir())) == 6


def test_rendering_needs_no_tensorflow():
    program = "import sys; from train.data.rendering import sets; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_workers_import_no_tensorflow_whatever_the_program_did(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import tensorflow, joblib\n"
        "from train.data.rendering import sets\n"
        "def modules(_):\n"
        "    import sys\n"
        "    from train.data.rendering import sets\n"
        "    return 'tensorflow' in sys.modules\n"
        "print(joblib.Parallel(2)(joblib.delayed(modules)(i) for i in range(2)))\n"
    )
    (tmp_path / "tensorflow.py").write_text("")  # a light one, which is imported just as well
    path = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, '.']; import runpy; "
    command = [sys.executable, "-c", path + "runpy.run_module('program', run_name='__main__', alter_sys=True)"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "[False, False]\n", done.stderr


def test_a_scene_depends_on_its_index_and_on_what_was_asked_for(renderings):
    lengths = (0, 0.5, 0.5)
    made = load_scenes("train", 5, (40, 80), lengths=lengths)
    alone = render_scene(np.random.default_rng([sets.SPLIT_SEEDS["train"], 4, 4]), (40, 80), lengths=lengths)
    np.testing.assert_array_equal(made.images[4], alone.image)
    assert made.images.shape == (5, 40, 80)
    assert made.numbers[4] == list(alone.label)
    np.testing.assert_array_equal(made.digit_boxes[4, : len(alone.label)], alone.boxes)
    empty = load_scenes("train", 5, (40, 80), lengths=lengths, painted=False)
    assert empty.numbers == [[]] * 5
    load_scenes("train", 5, (40, 80))
    drums = load_scenes("train", 5, (40, 80), styles={n: {"drum": 0.5, "sign": 0.5} for n in range(1, 6)})
    assert set(drums.styles) == {"drum", "sign"}
    assert len(renderings) == 4
