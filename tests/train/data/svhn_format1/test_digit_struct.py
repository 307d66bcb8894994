import json
import logging
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from tiny_svhn import annotation

from train.data.svhn_format1 import digit_struct
from train.data.svhn_format1.benchmark import random_annotation
from train.data.svhn_format1.digit_struct import read_digit_struct
from train.data.svhn_format1.digit_struct_writer import write_digit_struct
from train.errors import UserError
from train.progress import log

REAL = Path(os.environ.get("DCN_DATA_DIR", "missing")) / "svhn_originals"


def assert_same(found, expected):
    assert list(found.names) == list(expected.names)
    for part in ("counts", "digits", "boxes"):
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))


@pytest.fixture
def messages():
    found, handler, level = [], logging.Handler(), log.level
    handler.emit = lambda record: found.append(record.getMessage())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield found
    log.setLevel(level)
    log.removeHandler(handler)


@pytest.mark.parametrize("chunk", [20000, 7])
def test_what_was_written_is_read_in_bulk(tmp_path, monkeypatch, messages, chunk):
    monkeypatch.setattr(digit_struct, "CHUNK", chunk)
    monkeypatch.setattr(digit_struct, "read_one_by_one", None)
    written = random_annotation(40)
    assert set(written.counts) >= {1, 2, 3, 4}
    write_digit_struct(tmp_path / "digitStruct.mat", written)
    assert_same(read_digit_struct(tmp_path / "digitStruct.mat"), written)
    assert not messages


def test_photographs_come_with_their_own_digits_and_boxes(tmp_path):
    write_digit_struct(tmp_path / "digitStruct.mat", annotation([[7], [1, 0, 2]]))
    (first, seven, _), (second, digits, boxes) = read_digit_struct(tmp_path / "digitStruct.mat")
    assert (first, second) == ("1.png", "2.png")
    assert seven.tolist() == [7]
    assert digits.tolist() == [1, 0, 2]
    assert boxes.tolist() == [[5, 4, 11, 14], [12, 4, 18, 14], [19, 4, 25, 14]]


def test_zero_is_stored_as_ten(tmp_path):
    write_digit_struct(tmp_path / "digitStruct.mat", annotation([[0]]))
    with h5py.File(tmp_path / "digitStruct.mat") as file:
        group = file[file["digitStruct/bbox"][0, 0]]
        assert group["label"][0, 0] == 10
    assert read_digit_struct(tmp_path / "digitStruct.mat").digits.tolist() == [0]


def test_another_layout_is_read_one_by_one(tmp_path, messages):
    path = tmp_path / "digitStruct.mat"
    with h5py.File(path, "w", libver="latest") as file:
        refs = file.create_group("#refs#")
        name = refs.create_dataset("name", data=np.frombuffer("1.png".encode("utf-16-le"), np.uint16)[:, None])
        group = refs.create_group("bbox")
        for i, field in enumerate(digit_struct.FIELDS):
            parts = [refs.create_dataset(f"{field}{j}", data=[[i + 1.0 + j]], chunks=(1, 1)).ref for j in range(2)]
            group.create_dataset(field, data=np.array(parts, h5py.ref_dtype)[:, None])
        for part, target in (("name", name), ("bbox", group)):
            file.create_dataset(f"digitStruct/{part}", data=np.array([[target.ref]], h5py.ref_dtype))
    read = read_digit_struct(path)
    assert read.names == ["1.png"]
    assert read.digits.tolist() == [2, 3]
    assert read.boxes.tolist() == [[3, 4, 8, 5], [4, 5, 10, 7]]  # (left, top, left + width, top + height)
    assert "1 entries one by one" in messages[0]


def damage(path):
    """Yields (name, function that damages the file)."""
    data = path.read_bytes()
    yield "truncated", lambda: path.write_bytes(data[: len(data) // 2])
    yield "empty", lambda: path.write_bytes(b"")
    yield "other", lambda: path.write_bytes(b"<html>" * 1000)
    yield "missing", path.unlink


@pytest.mark.parametrize("what", ["truncated", "empty", "other", "missing"])
def test_a_damaged_file_is_named(tmp_path, what):
    path = tmp_path / "digitStruct.mat"
    write_digit_struct(path, random_annotation(10))
    dict(damage(path))[what]()
    with pytest.raises(UserError, match=r"digitStruct\.mat is not a readable digitStruct\.mat of SVHN \(") as caught:
        read_digit_struct(path)
    assert "\n" not in str(caught.value)


def test_damage_in_the_middle_never_gives_other_numbers_silently(tmp_path):
    path = tmp_path / "digitStruct.mat"
    written = random_annotation(10)
    write_digit_struct(path, written)
    data = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        header = 512 + h5py.h5o.get_info(file[file["digitStruct/bbox"][3, 0]].id).addr
    data[header : header + 16] = b"\xff" * 16
    path.write_bytes(data)
    with pytest.raises(UserError, match="is not a readable digitStruct"):
        read_digit_struct(path)


def test_other_hdf5_and_impossible_labels_are_named(tmp_path):
    path = tmp_path / "digitStruct.mat"
    with h5py.File(path, "w") as file:
        file["digitStruct/name"] = [[1.0]]
        file["digitStruct/bbox"] = [[1.0]]
    with pytest.raises(UserError, match="must be \\[n, 1\\] object references"):
        read_digit_struct(path)
    write_digit_struct(path, annotation([[1], [2, 11]]))
    with pytest.raises(UserError, match=r"labels must be 1 to 10. Received: 11 for 2\.png"):
        read_digit_struct(path)


@pytest.mark.skipif(not REAL.is_dir(), reason="needs svhn_originals in DCN_DATA_DIR")
@pytest.mark.parametrize("split", ["train", "test", "extra"])
def test_the_genuine_files(split, monkeypatch):
    path = REAL / split / "digitStruct.mat"
    with h5py.File(path) as file:
        one_by_one = digit_struct.read_one_by_one(file)
    monkeypatch.setattr(digit_struct, "read_one_by_one", None)
    read = read_digit_struct(path)
    assert_same(read, digit_struct._digit_struct(path, *one_by_one))
    assert len(read) == {"train": 39, "test": 40, "extra": 40}[split]
    numbers = {f"{split}/{name}": (digits, boxes) for name, digits, boxes in read}
    truth = [entry for entry in json.loads((REAL / "annotations.json").read_text()) if entry["split"] == split]
    assert len(truth) == 3
    for entry in truth:
        digits, boxes = numbers[entry["file"]]
        assert digits.tolist() == entry["label"]
        expected = [[b["left"], b["top"], b["left"] + b["width"], b["top"] + b["height"]] for b in entry["boxes"]]
        assert boxes.tolist() == expected
