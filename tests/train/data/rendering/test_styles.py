from collections import Counter

import numpy as np
import pytest

from train.data.rendering.styles import MAKERS, SHARES, draw_maker, weighted
from train.data.street_numbers import SCENE_LENGTHS

ROOM = (260, 900)
CORNER = (150, 90)  # (x, y) of the digits


def subjects(style: str, count: int = 40, lengths=(2, 3)):
    for seed in range(count):
        rng = np.random.default_rng([3, seed])
        yield seed, MAKERS[style](rng, "train", int(rng.choice(lengths)), 40.0)


def painted(subject, seed: int, number: bool = True):
    surface = np.full(ROOM, 120, np.float32)
    subject.paint(np.random.default_rng(seed), surface, CORNER, number)
    return surface


@pytest.mark.parametrize("style", MAKERS)
def test_a_number_has_the_digits_asked_for_with_boxes_in_reading_order_from_its_corner(style):
    for length in (1, 2, 3, 5, 8):
        subject = MAKERS[style](np.random.default_rng(length), "train", length, 40.0)
        assert subject.style == style
        assert len(subject.label) == length
        assert subject.boxes.shape == (length, 4)
        assert subject.boxes.dtype == np.float32
        assert (subject.boxes > -0.5).all()
        assert (subject.boxes[:, 2:] <= np.array(subject.shape[::-1]) + 0.5).all()
        assert (subject.boxes[:, 2:] > subject.boxes[:, :2]).all()
        assert (np.diff(subject.boxes[:, [0, 2]].mean(axis=1)) > 0).all()


@pytest.mark.parametrize("style", MAKERS)
def test_what_the_number_changes_lies_in_its_boxes(style):
    shares = []
    for seed, subject in subjects(style):
        change = np.abs(painted(subject, seed) - painted(subject, seed, number=False))
        assert change.max() > 5, seed
        boxes = subject.boxes + np.float32(CORNER * 2)
        rows, columns = np.nonzero(change > 1)
        # Shadows, outlines and glow reach less than a digit's height beyond the digits.
        assert boxes[:, 0].min() - 36 < columns.min() <= columns.max() < boxes[:, 2].max() + 36, seed
        assert boxes[:, 1].min() - 36 < rows.min() <= rows.max() < boxes[:, 3].max() + 36, seed
        inside = np.zeros(ROOM, bool)
        for left, top, right, bottom in boxes:
            window = np.s_[int(top) : int(np.ceil(bottom)) + 1, int(left) : int(np.ceil(right)) + 1]
            inside[window] = True
            assert change[window].max() > 0.1 * change.max(), seed  # every digit is there
        shares.append(change[inside].sum() / change.sum())
    assert np.median(shares) > 0.95
    assert min(shares) > 0.3


@pytest.mark.parametrize("style", MAKERS)
def test_numbers_are_as_high_as_asked_for(style):
    heights = [subject.boxes[:, 3] - subject.boxes[:, 1] for _, subject in subjects(style)]
    assert np.median(np.concatenate(heights)) == pytest.approx(40, abs=3)


@pytest.mark.parametrize("style", MAKERS)
def test_a_subject_depends_on_its_generators_alone(style):
    one, other = (dict(subjects(style, 5)) for _ in range(2))
    for seed in range(5):
        assert one[seed].label == other[seed].label
        np.testing.assert_array_equal(painted(one[seed], seed), painted(other[seed], seed))


def test_speed_limits_are_mostly_multiples_of_ten():
    labels = [subject.label for _, subject in subjects("speed_limit", 80)]
    tens = [label for label in labels if label[-1] == 0]
    assert 0.65 < len(tens) / len(labels) < 0.9
    assert all(label[0] for label in tens if len(label) == 2)


def test_displays_and_drums_often_show_zeros_first():
    for style in ("display", "drum"):
        labels = [subject.label for _, subject in subjects(style, 80, lengths=(5,))]
        assert 0.25 < np.mean([label[0] == 0 for label in labels]) < 0.75, style


def test_kinds_are_drawn_as_often_as_their_shares_say():
    rng = np.random.default_rng(0)
    for length, shares in SHARES.items():
        assert sum(shares.values()) == pytest.approx(1)
        names = {make: name for name, make in MAKERS.items()}
        drawn = Counter(names[draw_maker(rng, length)] for _ in range(3000))
        for name, share in shares.items():
            assert drawn[name] / 3000 == pytest.approx(share, abs=0.03)
    assert {draw_maker(rng, 3, {3: {"drum": 1.0}}) for _ in range(20)} == {MAKERS["drum"]}


def test_house_numbers_are_about_a_third():
    share = sum(part * SHARES[length]["house"] for length, part in enumerate(SCENE_LENGTHS, 1))
    assert share == pytest.approx(0.36, abs=0.04)


def test_weights_of_kinds_make_other_shares_of_lengths_and_of_kinds():
    lengths, shares = weighted((0.5, 0.5), {"house": 1.0, "display": 2.0})
    # One digit: houses 0.68, displays 2 x 0.06; two digits: houses 0.5, displays 2 x 0.13.
    assert lengths == pytest.approx((0.8 / 1.56, 0.76 / 1.56))
    assert shares[1] == pytest.approx({"house": 0.85, "display": 0.15})
    assert shares[2] == pytest.approx({"house": 0.5 / 0.76, "display": 0.26 / 0.76})
    lengths, shares = weighted((0.25, 0.25, 0.5), {"speed_limit": 3.0})
    assert lengths == pytest.approx((0, 1 / 3, 2 / 3))
    assert shares == {2: {"speed_limit": 1.0}, 3: {"speed_limit": 1.0}}
    lengths, shares = weighted(SCENE_LENGTHS, dict.fromkeys(MAKERS, 1.0))
    assert lengths == pytest.approx(SCENE_LENGTHS)
    assert shares[5] == pytest.approx({style: share for style, share in SHARES[5].items() if share})
