import numpy as np
import pytest

from train.data import windows
from train.data.windows import (
    BESIDE,
    CLOSE,
    CLOSEST_ZOOM,
    CUT,
    CUT_DIGIT,
    END_MARGIN,
    FAR,
    SIDE_MARGIN,
    UNREADABLE,
    WHOLE,
)

SIZE, PICTURE = (54, 110), (96, 192)


def numbers(rng, count):
    """Yields (box, length) of numbers of 1 to 8 digits, of any height, anywhere in a picture."""
    for _ in range(count):
        length, height = int(rng.integers(1, 9)), rng.uniform(10, 60)
        width = min(height * length * rng.uniform(0.35, 0.9), 180)
        left, top = rng.uniform(0, PICTURE[1] - width), rng.uniform(0, PICTURE[0] - height)
        yield np.array([left, top, left + width, top + height], np.float32), length


def drawn(kind, rng, augment, count=200):
    """Yields (box, length, window of a kind around it)."""
    for box, length in numbers(rng, count):
        yield box, length, windows._window(kind, PICTURE, box, length, SIZE, rng, augment)


def points_in(box, window, across=64, down=32):
    """Returns where points spread over a box lie in a window, in parts of its sides: [down, across, 2]."""
    x, y = (np.linspace(low, high, n) for low, high, n in ((box[0], box[2], across), (box[1], box[3], down)))
    points = np.stack(np.meshgrid(x, y), axis=-1)
    seen = (points - window.matrix[:, 2]) @ np.linalg.inv(window.matrix[:, :2]).T
    return seen / np.array(SIZE[::-1])


def outside(points):
    return ((points < 0) | (points > 1)).any(axis=-1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=[False, True], ids=["upright", "turned"])
def augment(request):
    return request.param


def test_a_whole_window_holds_the_number_with_its_margins(rng, augment):
    heights = []
    for box, _, window in drawn(WHOLE, rng, augment):
        seen = points_in(box, window)
        height = (seen[-1, :, 1] - seen[0, :, 1]).mean() * SIZE[0]
        room = np.minimum(seen, 1 - seen).min(axis=(0, 1)) * SIZE[::-1]
        assert np.all(room > np.array([SIDE_MARGIN, END_MARGIN]) * height - 0.01)
        assert window.whole
        heights.append(height)
    assert min(heights) < 15  # of small ones and large ones
    assert max(heights) > 40


def test_easy_windows_show_larger_numbers_and_more_of_them():
    boxes, lengths = zip(*numbers(np.random.default_rng(1), 300))
    pictures = np.zeros((300, *PICTURE, 1), np.uint8)
    shares, sizes = [], []
    for hardness in (0.0, 0.5, 1.0):
        rng = np.random.default_rng(2)
        _, found = windows.draw_windows(pictures, np.array(boxes), lengths, SIZE, rng, False, hardness)
        whole = found[found[:, 2] > 0]
        shares.append(len(whole) / 300)
        sizes.append((whole[:, 2:] - whole[:, :2]).max(axis=1).mean())
    assert shares == sorted(shares, reverse=True)
    assert sizes == sorted(sizes, reverse=True)
    np.testing.assert_allclose(shares[0], 1 - 0.36 * windows.FEWER, atol=0.06)
    np.testing.assert_allclose(shares[2], 0.64, atol=0.08)


def test_the_size_of_a_whole_number_has_its_bounds(rng):
    for box, _, window in drawn(WHOLE, rng, augment=False):
        width, height = box[2] - box[0], box[3] - box[1]
        largest = min(110 / (width + 2 * SIDE_MARGIN * height), 54 / (height + 2 * END_MARGIN * height))
        smallest = min(largest, max(windows.SMALLEST * largest, windows.LEAST_PIXELS / height))
        assert smallest * 0.999 <= window.scale <= largest * 1.001
        assert window.scale <= max(CLOSEST_ZOOM, smallest) * 1.001


def test_a_cut_window_cuts_a_good_part_of_a_digit_or_of_the_height(rng, augment):
    shares = []
    for box, length, window in drawn(CUT, rng, augment):
        lost = outside(points_in(box, window)).mean()
        assert lost > min(CUT_DIGIT / length, 0.25) - 0.03  # the points' own width
        assert lost < 1  # there is something of the number
        assert not window.whole
        shares.append(lost * length)
    assert min(shares) < 0.6  # a cut of less than a digit is among them


def test_a_cut_window_cuts_any_side(rng):
    sides = np.zeros(4, int)
    for box, _, window in drawn(CUT, rng, augment=False):
        seen = points_in(box, window)
        sides += [seen[..., 0].min() < 0, seen[..., 0].max() > 1, seen[..., 1].min() < 0, seen[..., 1].max() > 1]
    assert sides.min() > 15


def test_a_close_window_cuts_the_number(rng, augment):
    for box, length, window in drawn(CLOSE, rng, augment):
        lost = outside(points_in(box, window)).mean()
        assert lost > min(0.5 / length, 1 - 1 / 1.3) - 0.05
        assert not window.whole


def test_a_window_that_is_too_far_off_shows_what_nobody_can_read(rng):
    for box, _, window in drawn(FAR, rng, augment=False):
        assert UNREADABLE[0] <= window.scale * (box[3] - box[1]) <= UNREADABLE[1]
        assert not window.whole


def test_a_window_beside_the_number_does_not_touch_it(rng, augment):
    beside = cut = 0
    for box, length, window in drawn(BESIDE, rng, augment):
        lost = outside(points_in(box, window)).mean()
        if lost == 1:
            beside += 1
        else:  # where there is no room beside it
            assert lost > min(CUT_DIGIT / length, 0.25) - 0.03
            cut += 1
        assert not window.whole
    assert beside > 100
    assert cut < beside


def white_rectangle(box):
    """Returns a black picture whose pixels in a box, [left, top, right, bottom] of integers, are white."""
    picture = np.zeros((*PICTURE, 1), np.uint8)
    left, top, right, bottom = box
    picture[top:bottom, left:right] = 255
    return picture


def test_the_box_that_is_returned_is_where_the_number_is(rng, monkeypatch, augment):
    """Boxes are painted white; a window's white pixels are where it says that its number is."""
    monkeypatch.setattr(windows, "spoiled", lambda picture, height, rng: picture)
    monkeypatch.setattr(windows, "TIGHT", 0.0)
    boxes = np.array([np.round(box) for box, _ in numbers(rng, 120)], np.float32)
    room = np.array(PICTURE[::-1]) - 8  # no white at the border, which is repeated
    boxes = np.concatenate([boxes[:, :2].clip(8), np.minimum(boxes[:, 2:], room)], axis=1)
    pictures = np.stack([white_rectangle(box.astype(int)) for box in boxes])
    images, found = windows.draw_windows(pictures, boxes, np.full(120, 3), SIZE, rng, augment)
    whole = found[:, 2] > 0
    assert 0.4 < whole.mean() < 0.9
    for image, box in zip(images[whole, ..., 0], found[whole]):
        rows, columns = np.nonzero(image > 100)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(seen, box * [110, 54, 110, 54], atol=1.6)
        assert max(image[[0, -1]].max(), image[:, [0, -1]].max()) < 100  # it ends within the window


def test_a_tight_crops_box_is_right_too(rng, monkeypatch):
    monkeypatch.setattr(windows, "TIGHT", 1.0)
    monkeypatch.setattr(windows, "TIGHT_ROOM", (0, 0.4))
    monkeypatch.setattr(windows, "SHARES", (1.0, 0, 0, 0, 0))
    for _ in range(40):
        ((box, _),) = numbers(rng, 1)
        box = np.round(box)
        crop, inner = windows._tight_crop(white_rectangle(box.astype(int))[..., 0], box, rng)
        left, top, right, bottom = inner.astype(int)
        assert (crop[top:bottom, left:right] == 255).all()
        assert crop.sum() == 255 * (right - left) * (bottom - top)
        assert max(left, top, crop.shape[1] - right, crop.shape[0] - bottom) <= 0.4 * (bottom - top) + 1


def test_pictures_without_a_number_give_windows_of_anywhere(rng):
    pictures = rng.integers(256, size=(20, *PICTURE, 1), dtype=np.uint8)
    images, found = windows.draw_windows(pictures, np.zeros((20, 4)), np.zeros(20), SIZE, rng)
    assert images.shape == (20, *SIZE, 1)
    assert not found.any()
    assert len({image.tobytes() for image in images}) == 20


def test_windows_depend_on_the_generator_alone():
    rng = np.random.default_rng(1)
    boxes, lengths = zip(*numbers(rng, 12))
    pictures = rng.integers(256, size=(12, *PICTURE, 1), dtype=np.uint8)
    kept = pictures.copy()
    first, again, other = (
        windows.draw_windows(pictures, np.array(boxes), lengths, SIZE, np.random.default_rng(seed))
        for seed in (3, 3, 4)
    )
    for one, same in zip(first, again):
        np.testing.assert_array_equal(one, same)
    assert not np.array_equal(first[0], other[0])
    np.testing.assert_array_equal(pictures, kept)


def test_a_window_of_scale_1_is_a_slice_and_borders_are_repeated(rng):
    picture = rng.integers(256, size=PICTURE, dtype=np.uint8)

    def at(left, top):
        return windows.Window(np.array([[1.0, 0.0, left], [0.0, 1.0, top]]), 1.0, whole=False)

    np.testing.assert_array_equal(windows.cut(picture, at(30, 20), SIZE), picture[20:74, 30:140])
    expected = np.pad(picture, ((5, 0), (7, 0)), mode="edge")[:54, :110]
    np.testing.assert_array_equal(windows.cut(picture, at(-7, -5), SIZE), expected)


def test_an_enlarged_window_keeps_its_place(rng):
    """A step between two pixels stays in its place: at pixel 8 of a picture that is seen twice as large from 3 on."""
    picture = np.zeros(PICTURE, np.uint8)
    picture[:, 8:] = 200
    window = windows.Window(np.array([[0.5, 0.0, 3.0], [0.0, 0.5, 3.0]]), 2.0, whole=False)
    row = windows.cut(picture, window, SIZE)[10].astype(int)
    np.testing.assert_array_equal(row[[8, 9, 10, 11]], [0, 50, 150, 200])


def test_a_scene_shows_so_much_around_a_number_and_stretches_nothing(rng):
    shares = []
    for box, _ in numbers(rng, 300):
        left, top, right, bottom = windows.scene_window(box, rng)
        assert (right - left) / (bottom - top) == pytest.approx(2)
        assert left < box[0] < box[2] < right
        assert top < box[1] < box[3] < bottom
        assert (box[2] - box[0]) / (right - left) <= 0.85 + 1e-6
        shares.append((box[3] - box[1]) / (bottom - top))
    assert max(shares) <= 0.7 + 1e-6
    assert 0.25 < np.median(shares) < 0.6


def test_beyond_the_border_half_of_the_windows_are_black():
    images = np.full((64, 60, 80, 1), 200, np.uint8)
    boxes = np.array([[20, 15, 70, 45]] * 64, np.float32)
    drawn, _ = windows.draw_windows(images, boxes, np.full(64, 2), (108, 220), np.random.default_rng(0), augment=False)
    shares = (drawn == 0).mean(axis=(1, 2, 3))
    assert set(np.unique(drawn)) == {0, 200}
    assert 16 <= (shares > 0).sum() <= 48


def test_inside_is_where_a_window_shows_its_picture():
    window = windows.Window(np.array([[1.0, 0, -2], [0, 1.0, 3]]), 1.0, True)
    assert windows.inside((5, 8), window, (4, 7)).tolist() == [[0, 0, 1, 1, 1, 1, 1]] * 2 + [[0] * 7] * 2
