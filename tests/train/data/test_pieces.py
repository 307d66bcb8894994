import numpy as np
import pytest

from train.data import windows
from train.data.pieces import put_together

BOX, ENDS = np.array([40.0, 30.0, 112.0, 54.0]), np.array([0.25, 0.75, 1.0])  # digits 18, 36 and 18 pixels wide


def painted(tones=(40, 120, 220), ground=0) -> np.ndarray:
    """A picture in which each digit is a rectangle of one tone."""
    image, left = np.full((96, 192), ground, np.uint8), 40
    for end, tone in zip(ENDS, tones):
        right = 40 + round(end * 72)
        image[30:54, left:right] = tone
        left = right
    return image


@pytest.mark.parametrize("seed", range(8))
def test_each_digit_is_where_the_box_says(seed):
    made, box = put_together(painted(), BOX, ENDS, np.random.default_rng(seed))
    assert made.dtype == np.uint8
    np.testing.assert_allclose(box[2:] - box[:2], BOX[2:] - BOX[:2])
    row = round((box[1] + box[3]) / 2)
    for middle, tone in zip((0.125, 0.5, 0.875), (40, 120, 220)):
        column = round(box[0] + middle * 72)
        assert abs(int(made[row, column]) - tone) <= 12  # squares of few pixels are smooth at their edges


def test_the_picture_is_what_the_squares_cover():
    made, box = put_together(painted(ground=90), BOX, ENDS, np.random.default_rng(0))
    rows, columns = made.shape
    assert 36 <= rows <= 40  # the widest digit's square
    assert 72 <= columns <= 72 + 2 * 6  # the outer squares are at most 1.15 * 24 wide, about digits 18 wide
    assert box[0] == pytest.approx((24 - 18) / 2, abs=3)


def test_few_pixels_are_kept():
    rng = np.random.default_rng(3)
    image = rng.integers(256, size=(96, 192), dtype=np.uint8)
    box = np.array([10.0, 5.0, 90.0, 90.0])
    made, inner = put_together(image, box, np.array([1.0]), np.random.default_rng(0))
    left, top = np.round(box[:2] - inner[:2]).astype(int)
    seen = image[top : top + len(made), left : left + made.shape[1]]
    assert made.std() < 0.7 * seen.std()


def test_a_number_at_the_border_stays_inside():
    image = np.full((96, 192), 77, np.uint8)
    for box in ((0, 0, 20, 90), (150, 60, 192, 96), (-4, 40, 60, 99)):
        made, inner = put_together(image, np.array(box, float), np.array([0.5, 1.0]), np.random.default_rng(1))
        assert made.min() in (0, 77)
        assert made.max() == 77
        np.testing.assert_allclose(inner[2:] - inner[:2], np.subtract(box[2:], box[:2]))


def test_windows_show_them_where_ends_are_known(monkeypatch):
    calls = []
    monkeypatch.setattr(windows, "IN_PIECES", 1.0)
    monkeypatch.setattr(windows, "TIGHT", 1.0)
    monkeypatch.setattr(windows, "SHARES", (1.0, 0, 0, 0, 0))

    def noted(image, box, ends, rng):
        calls.append(ends)
        return put_together(image, box, ends, rng)

    monkeypatch.setattr(windows, "put_together", noted)
    pictures, boxes = np.stack([painted()] * 6)[..., None], np.stack([BOX] * 6)
    lengths, ends = np.array([3, 3, 0, 3, 3, 3]), np.tile([0.25, 0.75, 1.0, 1.0], (6, 1))
    drawn = [
        windows.draw_windows(pictures, boxes, lengths, (54, 110), np.random.default_rng(0), ends=e)
        for e in (None, ends)
    ]
    assert len(calls) == 5  # what only looks like a number has no digits
    assert all(one.tolist() == ENDS.tolist() for one in calls)
    assert all((found[:, 2] > 0).tolist() == [True, True, False, True, True, True] for _, found in drawn)
