from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from edge.bundle import load_bundle
from edge.network.pyramid_runner import make_runner
from edge.network.result import Result
from edge.network.stacked import box_of_line, lines
from edge.network.step_budget import StepBudget

SHIPPED = Path(__file__).parents[3] / "models" / "street_numbers"


@pytest.fixture(scope="module")
def runner():
    return make_runner(load_bundle(SHIPPED))


def stack_of(digits: str, side: int = 40) -> np.ndarray:
    """Returns an image of printed digits one above the other."""
    image = Image.new("L", (side, side * len(digits)), 215)
    for place, digit in enumerate(digits):
        at = side // 2, side * place + side // 2
        ImageDraw.Draw(image).text(at, digit, 20, ImageFont.load_default(round(0.8 * side)), anchor="mm")
    return np.asarray(image)


def test_parts_of_a_tall_image_stand_side_by_side_in_their_order():
    pixels = np.arange(7 * 2, dtype=np.uint8).reshape(7, 2, 1)
    (two, three) = lines(pixels)
    assert (two[0], three[0]) == (2, 3)
    np.testing.assert_array_equal(two[1], np.concatenate([pixels[0:3], pixels[3:6]], axis=1))
    np.testing.assert_array_equal(three[1], np.concatenate([pixels[0:2], pixels[2:4], pixels[4:6]], axis=1))


@pytest.mark.parametrize(
    ("size", "counts"),
    [((20, 20), []), ((29, 20), []), ((30, 20), [2]), ((60, 20), [2, 3, 4]), ((200, 20), []), ((20, 60), [])],
)
def test_a_stack_has_as_many_digits_as_are_of_a_digits_shape(size, counts):
    assert [count for count, _ in lines(np.zeros((*size, 1), np.uint8))] == counts


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((2, 1, 8, 9), (2, 1, 8, 9)),  # in the first of three parts of 10 x 10
        ((12, 1, 20, 9), (2, 11, 10, 19)),  # in the second
        ((2, 1, 29, 9), (0, 1, 10, 29)),  # over all of them
        ((-3, 0, 34, 10), (0, 0, 10, 30)),  # beyond the line
    ],
)
def test_a_box_of_the_line_is_told_in_the_image(box, expected):
    assert box_of_line(box, 3, (30, 10)) == pytest.approx(expected)


@pytest.mark.parametrize("number", ["47", "362"])
def test_digits_one_above_the_other_are_read(runner, number):
    image = stack_of(number)
    stacked, plain = runner.run(image, framed=True), runner.run(image)
    assert stacked.prediction == number
    assert plain.prediction != number
    left, top, right, bottom = stacked.box
    assert (left, right) == (0, 40)
    assert top < 20
    assert bottom > len(image) - 20
    assert stacked.num_patches > len(stacked.cells) > 0
    assert stacked.stages_us.keys() == plain.stages_us.keys()


def test_one_tall_digit_stays_one(runner):
    image = np.asarray(Image.fromarray(stack_of("5")).resize((40, 70)))
    assert runner.run(image, framed=True, always_read=True).prediction == "5"


def test_a_budget_leaves_the_stack_out(runner):
    image = stack_of("47")
    result = runner.run(image, framed=True, budget=StepBudget(1e6, [0.0]))
    assert result.num_patches == len(result.cells)


def test_of_sure_readings_the_longest_counts_and_of_two_as_long_the_surer(runner):
    def reading(prediction, probability):
        length = len(prediction)
        return Result(prediction, probability, 1, np.zeros(2), (length,), stages_us={"fine": 2}, cells=np.zeros((1, 3)))

    least = runner.manifest.reading_threshold
    own = reading("2", 0.97)
    for stacked, expected in (
        ([reading("32", least)], "32"),
        ([reading("32", least - 0.01)], "2"),
        ([reading("32", 0.9), reading("31", 0.8)], "32"),
        ([reading("32", 0.9), reading("322", 0.8)], "322"),
        ([reading("", 0.99)], "2"),
        ([], "2"),
    ):
        found = runner._longest(own, stacked)
        assert found.prediction == expected
        assert (found.num_patches, found.stages_us["fine"]) == (1 + len(stacked), 2 + 2 * len(stacked))
    unsure = replace(own, probability=0.1)
    assert runner._longest(unsure, [reading("32", 0.1)]).prediction == "2"
