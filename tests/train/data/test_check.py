import json

import numpy as np
import pytest
from PIL import Image

from edge.errors import UserError
from tools import check_data
from train.data.check import check, sheet


@pytest.fixture
def screws(tmp_path):
    """Fifteen images of three classes, some of them suspicious."""
    rng, entries = np.random.default_rng(0), []
    for i in range(15):
        pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
        split = ("train", "train", "train", "validation", "test")[i % 5]
        entries.append({"file": f"{i}.png", "label": "abc"[i // 5], "split": split})
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    Image.fromarray(np.full((20, 30, 3), 7, np.uint8)).save(tmp_path / "0.png")
    (tmp_path / "5.png").write_bytes((tmp_path / "3.png").read_bytes())
    (tmp_path / "6.png").write_bytes(b"no image")
    Image.fromarray(rng.integers(0, 256, (20, 90, 3), np.uint8)).save(tmp_path / "7.png")
    entries[14]["split"] = "train"
    (tmp_path / "annotations.json").write_text(json.dumps(entries))
    return tmp_path


def test_what_is_suspicious(screws):
    found = check(screws)
    assert set(found.suspicious) == {"0.png", "3.png", "5.png", "6.png", "7.png"}
    assert found.suspicious["0.png"] == "is of one colour"
    assert found.suspicious["5.png"] == "is the same image as 3.png, which has the labels 'a' and 'b'"
    assert "can't be read" in found.suspicious["6.png"]
    assert found.suspicious["7.png"] == "is 4.50 times as wide as high; most are 1.50"


def test_counts_sizes_and_warnings(screws):
    found = check(screws)
    assert found.counts["train"] == {"a": 3, "b": 3, "c": 4}
    assert len(found.sizes) == 14
    assert found.warnings == ["no test image of: c", "fewer than 10 images of: a, b, c"]


def test_classes_that_are_not_balanced(screws):
    entries = json.loads((screws / "annotations.json").read_text())
    entries += [entries[1] | {"file": f"./{i}.png"} for i in range(8, 14)] * 8
    (screws / "annotations.json").write_text(json.dumps(entries))
    assert check(screws).warnings[-1] == "unbalanced: 53 images of a, 5 of c"


def test_the_sheet_frames_what_is_suspicious(screws):
    found = check(screws)
    picture = np.asarray(sheet(found))
    assert picture.shape == (2 * 94, 12 * 84, 3)  # 14 images could be read
    assert tuple(picture[0, 2]) == (220, 40, 40)  # 0.png is the first of class a
    assert tuple(picture[0, 84 + 2]) != (220, 40, 40)


def test_numbers_are_counted_by_their_length(tmp_path):
    entries = [{"file": f"{i}.png", "label": [1] * (i % 3 + 1), "split": "train"} for i in range(6)]
    for i in range(6):
        Image.fromarray(np.full((10, 10), i, np.uint8)).save(tmp_path / f"{i}.png")
    (tmp_path / "annotations.json").write_text(json.dumps(entries))
    assert check(tmp_path).counts["train"] == {"1 digit": 2, "2 digits": 2, "3 digits": 2}


def test_the_command_prints_and_draws(screws, tmp_path, capsys):
    check_data.main([str(screws), f"--sheet={tmp_path / 'sheet.png'}"])
    text = capsys.readouterr().out
    assert "3 classes" in text
    assert "sizes (height x width): 20 x 30 to 20 x 90, 20 x 30 in the middle" in text
    assert "suspicious: 5\n  3.png: is the same image as 5.png" in text
    assert (tmp_path / "sheet.png").is_file()


def test_no_data_set_at_all(tmp_path):
    with pytest.raises(UserError, match="PATH does not exist"):
        check_data.main([str(tmp_path / "nowhere")])


def test_a_sheet_replaces_no_image_of_the_data(screws):
    mine = next(path for path in screws.rglob("*") if path.is_file())
    before = mine.read_bytes()
    with pytest.raises(UserError, match="--sheet=.* is there, among the images; name another file"):
        check_data.main([str(screws), f"--sheet={mine}"])
    assert mine.read_bytes() == before
