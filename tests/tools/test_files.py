import json
import os

import numpy as np
import pytest
from PIL import Image

from edge import output
from edge.errors import UserError, WorkError
from tools import files


def test_json_with_and_without_a_byte_order_mark(tmp_path):
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "a.json").write_text(json.dumps({"ü": 1}), encoding=encoding)
        assert files.read_json(tmp_path / "a.json") == {"ü": 1}


def test_json_that_is_deep_large_or_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_TEXT", 200_000)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "deep").write_text("[" * 100_000)
    (tmp_path / "large").write_bytes(b" " * 200_001)
    for name, message in (("deep", "too many lists"), ("large", "200,001 bytes, more than 200,000"), ("fifo", "plain")):
        with pytest.raises(ValueError, match=message):
            files.read_json(tmp_path / name)


def test_arrays_are_bounded_before_they_are_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((100, 1000), np.uint8))
    files.check_arrays(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="it holds 100,128 bytes, more than 100,000"):
        files.check_arrays(tmp_path / "a.npz", 100_000)


def test_a_picture_is_written_in_the_format_of_its_name(tmp_path):
    picture = Image.new("RGB", (4, 3), (200, 0, 0))
    files.write_picture(picture, tmp_path / "new" / "a.PNG", "--draw")
    with Image.open(tmp_path / "new" / "a.PNG") as found:
        assert (found.format, found.size) == ("PNG", (4, 3))
    for name in ("a", "a.nope", "a.txt"):
        with pytest.raises(UserError, match=f"--draw must be a picture's name, received .*{name} "):
            files.write_picture(picture, tmp_path / name, "--draw")


def test_a_full_disk_is_no_mistake_of_the_user(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output.os, "fsync", full)
    with pytest.raises(WorkError, match="the disk is full"):
        files.write_picture(Image.new("L", (4, 3)), tmp_path / "a.png", "--draw")
