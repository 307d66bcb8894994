import numpy as np
import pytest

from train.data.rendering.segments import Segments, draw_segments, set_row

# The usual codes of a seven-segment decoder: bit 0 is segment a, bit 6 segment g.
CODES = (0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F)
PLAIN = Segments(width=0.6, pitch=0.9, stroke=0.12, gap=0.01, blunt=0.3, point=0.5, slant=0.1)
# The middle of each segment in an upright digit of that shape, (x, y) in heights.
MIDDLES = {"a": (0.3, 0.06), "b": (0.54, 0.25), "c": (0.54, 0.75), "d": (0.3, 0.94)}
MIDDLES |= {"e": (0.06, 0.75), "f": (0.06, 0.25), "g": (0.3, 0.5)}


def is_lit(mask, name: str, left: float, height: float) -> bool:
    x, y = MIDDLES[name]
    return mask[int(1 + y * height), int(1 + left + (x + 0.1 * (1 - y)) * height)] > 128


def test_each_digit_lights_the_segments_of_its_code():
    row = set_row(PLAIN, range(10), 50.0)
    for digit, code in enumerate(CODES):
        for bit, name in enumerate("abcdefg"):
            assert is_lit(row.lit, name, 45 * digit, 50) == bool(code >> bit & 1), (digit, name)
            assert is_lit(row.ghosts, name, 45 * digit, 50)


def test_sevens_may_have_a_hook_and_sixes_and_nines_no_tail():
    hooked = Segments(0.6, 0.9, 0.12, 0.01, 0.3, 0.5, 0.1, hooked=True, tailless=True)
    assert [hooked.lit(digit) for digit in (6, 7, 8, 9)] == ["cdefg", "abcf", "abcdefg", "abcfg"]


@pytest.mark.parametrize("seed", range(30))
def test_boxes_lie_close_around_what_is_lit(seed):
    rng = np.random.default_rng(seed)
    label = rng.integers(10, size=6).tolist()
    row = set_row(draw_segments(rng), label, 60.0, blanks=2)
    alone = row.lit.astype(float)
    for left, top, right, bottom in row.boxes:
        inside = alone[:, int(left) : int(np.ceil(right))]
        rows = np.nonzero(inside.max(axis=1) > 20)[0]
        assert abs(rows[0] - top) < 2.5
        assert abs(rows[-1] + 1 - bottom) < 2.5
    columns = np.nonzero(alone.max(axis=0) > 20)[0]
    assert abs(columns[0] - row.boxes[0, 0]) < 2.5
    assert abs(columns[-1] + 1 - row.boxes[-1, 2]) < 2.5
    assert (row.lit <= row.ghosts).all()


def test_a_point_follows_its_digit_and_smaller_digits_stand_on_the_same_line():
    without, row = (set_row(PLAIN, (1, 2, 3), 50.0, point_after=p, small_after=2, small=0.6) for p in (0, 2))
    added = row.lit[:, :90].astype(int) - without.lit[:, :90]
    y, x = np.nonzero(added > 60)
    assert y.min() > 40
    assert 45 + 30 <= x.min() <= x.max() < 90
    np.testing.assert_allclose(row.boxes[2, 3], row.boxes[1, 3], atol=0.01)
    np.testing.assert_allclose(
        np.diff(row.boxes[:, [1, 3]])[:, 0], [50 * (1 - 2 * (0.3 * 0.12 + 0.01)), 50, 30], rtol=1e-4
    )


def test_smaller_digits_stand_at_the_top_where_they_are_raised():
    row = set_row(PLAIN, (1, 2, 3), 50.0, small_after=1, small=0.5, raised=True)
    np.testing.assert_allclose(row.boxes[1:, [1, 3]] - row.boxes[0, 1], [[0, 25]] * 2, atol=2.5)
    np.testing.assert_allclose(row.boxes[2, 0] - row.boxes[1, 0], (row.boxes[1, 0] - 1) / 2, atol=2.5)
    assert len(np.unique(set_row(PLAIN, (8, 8), 50.0, small=0.5).boxes[:, 1])) == 1  # unless some are to be smaller


def test_blank_places_show_ghosts_alone():
    row = set_row(PLAIN, (8,), 50.0, blanks=2)
    assert row.boxes[0, 0] > 85
    assert not row.lit[:, :85].any()
    assert all(is_lit(row.ghosts, name, left, 50) for name in "abcdefg" for left in (0, 45, 90))
