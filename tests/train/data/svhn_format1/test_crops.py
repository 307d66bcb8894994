import builtins

import numpy as np
import pytest
from tiny_svhn import photograph, png

from train.data.svhn_format1 import crops
from train.data.svhn_format1.crops import cut, load_numbers, loose_window, tight_window, write_numbers
from train.errors import UserError

BOX = (10.0, 20.0, 45.0, 60.0)


def example(index, digits=(1, 2)):
    boxes = np.array([[5 + 7 * i, 4, 11 + 7 * i, 14] for i in range(len(digits))], np.float32)
    return {
        "file_name": f"train/{index}.png".encode(),
        "image": png(photograph(index)),
        "digits": np.array(digits),
        "boxes": boxes,
    }


def test_a_tight_crop_is_as_high_as_the_number_which_takes_70_percent_of_its_width():
    left, top, right, bottom = tight_window(BOX)
    assert (top, bottom) == (20, 60)
    assert right - left == pytest.approx(35 / 0.7)
    assert 10 - left == pytest.approx(right - 45)


def test_loose_windows_hold_the_number_and_are_of_all_sizes():
    windows = np.array([loose_window(BOX, 3.0, np.random.default_rng(i)) for i in range(500)])
    left, top, right, bottom = windows.T
    assert (left <= 10).all()
    assert (top <= 20).all()
    assert (right >= 45).all()
    assert (bottom >= 60 - 1e-9).all()
    zoom = (bottom - top) / 40
    assert zoom.min() >= 1
    assert zoom.max() <= 3
    assert abs(np.median(zoom) - np.sqrt(3)) < 0.15  # log-uniform
    above = (20 - top) / (bottom - top - 40)
    assert above.std() > 0.2  # anywhere
    tight = loose_window(BOX, 1.0, np.random.default_rng(0))
    assert tight[1::2] == pytest.approx((20, 60))


def test_a_whole_window_is_copied_and_its_surroundings_repeat_the_edge():
    grey = np.random.default_rng(0).integers(256, size=(6, 8), dtype=np.uint8)
    np.testing.assert_array_equal(cut(grey, (2, 1, 6, 4), (3, 4)), grey[1:4, 2:6])
    np.testing.assert_array_equal(cut(grey, (-2, -1, 10, 8), (9, 12)), np.pad(grey, [(1, 2), (2, 2)], mode="edge"))
    np.testing.assert_array_equal(cut(grey, (-9, -9, -5, -5), (4, 4)), np.full((4, 4), grey[0, 0]))


def test_a_window_is_stretched_to_the_size():
    grey = np.repeat(np.array([[0, 200]], np.uint8), 4, axis=0)
    made = cut(grey, (0, 0, 2, 4), (8, 16))
    assert made.shape == (8, 16)
    assert (made[:, :5] < 30).all()
    assert (made[:, -5:] > 170).all()


@pytest.mark.parametrize("photographs", [False, True])
def test_what_is_written_is_loaded(tmp_path, photographs):
    examples = [example(i, digits) for i, digits in enumerate([(1, 2), (3,), (0, 0, 7)])]
    write_numbers(tmp_path / "train", iter(examples), 3, (16, 24), None, photographs)
    numbers = load_numbers(tmp_path / "train")
    assert numbers.names.tolist() == [b"train/0.png", b"train/1.png", b"train/2.png"]
    assert numbers.sequences == [[1, 2], [3], [0, 0, 7]]
    assert numbers.crops.shape == (3, 16, 24)
    np.testing.assert_allclose(numbers.crop_boxes, [[3.6, 0, 20.4, 16]] * 3, rtol=1e-5)
    np.testing.assert_array_equal(numbers.boxes, [[5, 4, 18, 14], [5, 4, 11, 14], [5, 4, 25, 14]])
    assert len(numbers.photographs) == (3 if photographs else 0)
    for i, grey in enumerate(numbers.photographs):
        colour = photograph(i).astype(float)
        assert np.abs(grey - colour @ [0.2126, 0.7152, 0.0722]).max() <= 1
        np.testing.assert_array_equal(numbers.crops[i], cut(grey, tight_window(numbers.boxes[i]), (16, 24)))
    assert [path.name for path in tmp_path.iterdir()] == ["train"]
    assert load_numbers(tmp_path / "test") is None


@pytest.mark.parametrize("name", ["crops.npy", "digits.npy", "photographs.bin"])
def test_damaged_files_are_written_again(tmp_path, name):
    folder = tmp_path / "test"
    for _ in range(2):
        write_numbers(folder, iter([example(0), example(1)]), 2, (16, 24), None, True)
        assert load_numbers(folder).sequences == [[1, 2], [1, 2]]
        (folder / name).write_bytes((folder / name).read_bytes()[:-1])
        assert load_numbers(folder) is None


def test_a_crop_does_not_depend_on_the_order(tmp_path):
    examples = [example(i) for i in range(crops.BATCH + 3)]
    for name, order in (("a", examples), ("b", examples[::-1])):
        write_numbers(tmp_path / name, iter(order), len(order), (16, 24), 2.0, False)
    one, other = load_numbers(tmp_path / "a"), load_numbers(tmp_path / "b")
    np.testing.assert_array_equal(one.crops, other.crops[::-1])
    np.testing.assert_array_equal(one.crop_boxes, other.crop_boxes[::-1])
    assert len(np.unique(one.crop_boxes[:, 0])) > 200  # each has a window of its own


@pytest.mark.parametrize("image", [b"", b"no image", png(photograph(0))[:300]])
def test_a_photograph_that_is_no_image_is_named_and_nothing_stays(tmp_path, image):
    broken = example(1) | {"image": image}
    with pytest.raises(UserError, match=r"photograph train/1\.png can't be decoded") as caught:
        write_numbers(tmp_path / "train", iter([example(0), broken]), 2, (16, 24), None, True)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(path, mode="r", *args, **kwargs):
        return builtins.open("/dev/full" if str(path).endswith("crops.npy") else path, mode, *args, **kwargs)

    monkeypatch.setattr(crops, "open", full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        write_numbers(tmp_path / "train", iter([example(0)] * 300), 300, (64, 128), None, True)
    assert list(tmp_path.iterdir()) == []
