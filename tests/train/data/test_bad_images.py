import numpy as np
import pytest

from train.data.bad_images import BadImages
from train.errors import UserError

ENTRIES = [{"file": f"{i}.png"} for i in range(50)]
LABELS = np.arange(50)[:, None]


def read(entry):
    if int(entry["file"][:-4]) % 2:
        raise UserError(f"the image {entry['file']} can't be read")
    return entry["file"]


def test_all_are_named_at_once():
    bad = BadImages(len(ENTRIES))
    bad.made(read, ENTRIES, LABELS)
    with pytest.raises(UserError) as caught:
        bad.settle()
    assert str(caught.value).startswith("25 of 50 images can't be used: 1.png, 3.png, ")
    assert "39.png and 5 more. The first: the image 1.png can't be read. " in str(caught.value)
    assert str(caught.value).endswith("--skip_bad=0.5")


def test_a_share_of_them_may_be_left_out(caplog):
    bad = BadImages(len(ENTRIES), 0.5)
    made, labels = bad.made(read, ENTRIES, LABELS)
    bad.settle()
    assert made == [f"{i}.png" for i in range(0, 50, 2)]
    assert np.array_equal(labels, LABELS[::2])
    assert [entry["file"] for entry in bad.without(ENTRIES)] == made
    assert "left out 25 of 50 images: 1.png, 3.png" in caplog.text


def test_one_is_told_in_its_own_words_and_none_is_no_matter():
    bad = BadImages(50, 0.49 / 25)
    bad.made(read, ENTRIES[:2], LABELS)
    with pytest.raises(UserError, match="^the image 1.png can't be read$"):
        bad.settle()
    BadImages(50).settle()


def test_a_split_of_which_nothing_is_left_is_refused_whatever_is_allowed():
    with pytest.raises(UserError, match="the image 1.png can't be read"):
        BadImages(50, 1.0).made(read, ENTRIES[1:2], LABELS[1:2])


def of(file, label=(1,), split="train"):
    return {"file": file, "original": file, "label": list(label), "split": split}


def test_equal_pixels_of_another_file_are_refused_where_label_or_split_differ():
    bad, pixels = BadImages(9), np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert bad.unlike_others(of("a.png"), pixels) is pixels
    assert bad.unlike_others(of("b.bmp"), pixels) is pixels
    assert bad.unlike_others(of("c.png", [2]), pixels + 1).max() == 12
    for entry, told in (
        (of("d.bmp", [2]), "labels '1' and '2'"),
        (of("e.bmp", split="test"), "splits 'train' and 'test'"),
    ):
        with pytest.raises(
            UserError, match=f"^{entry['file']} is the same image as a.png, .* has the {told}; keep one$"
        ):
            bad.unlike_others(entry, pixels.copy())


def test_images_of_one_colour_may_be_equal():
    bad, pixels = BadImages(9), np.full((3, 3, 1), 7, np.uint8)
    for file, split in (("a.png", "train"), ("b.png", "test")):
        assert bad.unlike_others(of(file, split=split), pixels) is pixels
