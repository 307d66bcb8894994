from collections import Counter

import numpy as np
import pytest
from PIL import Image

from train.data.rendering.layout import (
    FIRST_DIGIT,
    LENGTHS,
    MAX_DIGITS,
    OTHER_DIGITS,
    UNEVEN,
    Lines,
    draw_label,
    set_number,
)
from train.data.rendering.typefaces import draw_type_face, glyph


def test_lengths_and_digits_are_as_frequent_as_on_houses():
    rng = np.random.default_rng(0)
    labels = [draw_label(rng) for _ in range(20000)]
    lengths = Counter(map(len, labels))
    assert set(lengths) <= {1, 2, 3, 4, 5}
    for length, share in enumerate(LENGTHS, 1):
        assert lengths[length] / 20000 == pytest.approx(share, abs=0.012)
    first, later = Counter(label[0] for label in labels), Counter(d for label in labels for d in label[1:])
    for digit in range(10):
        assert first[digit] / 20000 == pytest.approx(FIRST_DIGIT[digit], abs=0.012)
        assert later[digit] / later.total() == pytest.approx(OTHER_DIGITS[digit], abs=0.012)


def test_lengths_can_be_asked_for():
    rng = np.random.default_rng(0)
    lengths = Counter(len(draw_label(rng, (0, 0.25, 0, 0, 0, 0, 0, 0.75))) for _ in range(2000))
    assert set(lengths) == {2, MAX_DIGITS}
    assert lengths[2] / 2000 == pytest.approx(0.25, abs=0.03)


def test_shares_sum_to_one():
    for shares in (LENGTHS, FIRST_DIGIT, OTHER_DIGITS):
        assert sum(shares) == pytest.approx(1, abs=1e-3)


def numbers(count=150):
    for i in range(count):
        rng = np.random.default_rng(i)
        face, label = draw_type_face(rng, "train"), draw_label(rng)
        yield face, label, set_number(rng, face, label, 40.0)


def test_boxes_are_in_reading_order_inside_the_ink_and_touch_its_four_borders():
    for _, label, number in numbers():
        assert number.label == label
        assert number.boxes.shape == (len(label), 4)
        height, width = number.ink.shape
        assert (np.diff(number.boxes[:, 0]) > 0).all()
        assert number.boxes[:, :2].min(axis=0).tolist() == [0, 0]
        assert number.boxes[:, 2:].max(axis=0).tolist() == [width, height]


def test_each_box_holds_the_digit_that_the_label_says():
    agreed = total = 0
    for face, label, number in numbers():
        for digit, (left, top, right, bottom) in zip(label, number.boxes.astype(int)):
            seen = number.ink[top:bottom, left:right].astype(float)
            errors = []
            for candidate in range(10):
                mask = Image.fromarray(glyph(face, str(candidate)).mask).resize((right - left, bottom - top))
                errors.append(np.abs(np.asarray(mask, float) - seen).mean())
            agreed += int(np.argmin(errors)) == digit
            total += 1
    assert agreed / total > 0.97  # digits that are turned, or that touch, may look nearer to another


def test_digits_are_as_far_apart_as_on_houses():
    pitches = []
    for _, label, number in numbers(400):
        centres, heights = number.boxes[:, [0, 2]].mean(axis=1), number.boxes[:, 3] - number.boxes[:, 1]
        pitches += (np.diff(centres) / heights.mean()).tolist() if len(label) > 1 else []
    assert np.median(pitches) == pytest.approx(0.62, abs=0.05)


def test_digits_are_as_high_as_asked_for_and_stand_side_by_side():
    heights = [b[3] - b[1] for *_, number in numbers() for b in number.boxes]
    assert 36 <= np.median(heights) <= 42
    overlaps = [a[2] - b[0] for *_, number in numbers() for a, b in zip(number.boxes, number.boxes[1:])]
    assert np.mean(np.array(overlaps) > 2) < 0.1


def slope(number) -> float:
    """Of the line from the first digit's middle to the last one's, in the number's own pixels."""
    (left, top, right, bottom), other = number.boxes[0], number.boxes[-1]
    return float((other[1] + other[3] - top - bottom) / (other[0] + other[2] - left - right))


def of_lines(lines, label=(1, 1, 1, 1), count=60):
    for i in range(count):
        rng = np.random.default_rng(i)
        yield set_number(rng, draw_type_face(rng, "train", italic=0.0), label, 40.0, lines)


def test_a_sloping_line_is_as_steep_as_asked_for_and_its_digits_stand_upright():
    level = Lines(sloping=0.0, arched=0.0, loose=0.0)
    steep = Lines(sloping=1.0, steepest=1.0, arched=0.0, loose=0.0)
    slopes = [slope(number) for number in of_lines(steep)]
    assert max(map(abs, slopes)) > 0.8
    assert np.mean(slopes) == pytest.approx(0, abs=0.3)
    for upright, moved in zip(of_lines(level), of_lines(steep)):
        sides = [number.boxes[:, 2:] - number.boxes[:, :2] for number in (upright, moved)]
        scale = np.ptp(moved.boxes[:, ::2]) / np.ptp(upright.boxes[:, ::2])
        np.testing.assert_allclose(sides[1], sides[0] * scale, atol=1.5)


def test_a_number_is_turned_as_a_whole():
    turned = Lines(sloping=0.0, arched=0.0, loose=0.0, turned=1.0, widest=38.0)
    numbers = list(of_lines(turned))
    slopes = np.array([slope(number) for number in numbers])
    assert 0.5 < np.abs(slopes).max() < 1.2  # digits are set narrower, so that a line rises more steeply than its angle
    # The narrow digit 1 becomes as much wider as its line is steep.
    shapes = [np.median((n.boxes[:, 2] - n.boxes[:, 0]) / (n.boxes[:, 3] - n.boxes[:, 1])) for n in numbers]
    assert np.corrcoef(np.abs(slopes), shapes)[0, 1] > 0.5


def test_one_digit_has_no_line_and_uneven_lines_leave_most_numbers_straight():
    level = [number.ink.shape for number in of_lines(Lines(), (7,))]
    assert level == [number.ink.shape for number in of_lines(UNEVEN, (7,))]
    straight = np.mean([abs(slope(number)) < 0.08 for number in of_lines(UNEVEN, count=300)])
    assert 0.6 < straight < 0.95
