import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from tiny_svhn import annotation, write_digit_struct

from train.data.svhn_format1.digit_struct import FIELDS, DigitStruct, read_digit_struct
from train.errors import UserError

REAL = Path(os.environ.get("DCN_DATA_DIR", "missing")) / "svhn_originals"


@pytest.mark.parametrize("options", [{}, {"libver": "latest"}, {"userblock_size": 512, "libver": "earliest"}])
def test_what_was_written_is_read(tmp_path, options):
    rng = np.random.default_rng(0)
    labels = [rng.integers(10, size=1 + i % 5).tolist() for i in range(25)]
    corners = rng.integers(-5, 150, (sum(map(len, labels)), 4))
    corners[:, 2:] = corners[:, :2] + rng.integers(1, 99, (len(corners), 2))
    written = annotation(labels, corners)
    write_digit_struct(tmp_path / "digitStruct.mat", written, **options)
    read = read_digit_struct(tmp_path / "digitStruct.mat")
    assert read.names == written.names
    for part in ("counts", "digits", "boxes"):
        np.testing.assert_array_equal(getattr(read, part), getattr(written, part))


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


def test_names_of_any_length_and_script(tmp_path):
    names = ["1.png", "a much longer name.png", "é\U0001f3e0.png", "x"]
    made = DigitStruct(names, np.ones(4, int), np.arange(4, dtype=np.uint8), np.ones((4, 4), np.float32))
    write_digit_struct(tmp_path / "digitStruct.mat", made)
    assert read_digit_struct(tmp_path / "digitStruct.mat").names == names


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
    write_digit_struct(path, annotation([[i, 1] for i in range(10)]))
    dict(damage(path))[what]()
    with pytest.raises(UserError, match=r"digitStruct\.mat is not a readable digitStruct\.mat of SVHN \(") as caught:
        read_digit_struct(path)
    assert "\n" not in str(caught.value)


def test_damage_in_the_middle_never_gives_other_numbers_silently(tmp_path):
    path = tmp_path / "digitStruct.mat"
    write_digit_struct(path, annotation([[i, 1] for i in range(10)]), userblock_size=512)
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
def test_the_genuine_files(split):
    path = REAL / split / "digitStruct.mat"
    read = read_digit_struct(path)
    assert len(read) == {"train": 39, "test": 40, "extra": 40}[split]
    for name, digits, boxes, fields in zip(*zip(*read), fields_by_names(path), strict=True):
        assert name == fields["name"]
        assert digits.tolist() == [label % 10 for label in fields["label"]]
        assert (boxes[:, 2] - boxes[:, 0]).tolist() == fields["width"]
        assert boxes[:, 1].tolist() == fields["top"]
    numbers = {f"{split}/{name}": (digits, boxes) for name, digits, boxes in read}
    truth = [entry for entry in json.loads((REAL / "annotations.json").read_text()) if entry["split"] == split]
    assert len(truth) == 3
    for entry in truth:
        digits, boxes = numbers[entry["file"]]
        assert digits.tolist() == entry["label"]
        expected = [[b["left"], b["top"], b["left"] + b["width"], b["top"] + b["height"]] for b in entry["boxes"]]
        assert boxes.tolist() == expected


def fields_by_names(path):
    """Yields what h5py's own dictionaries say of each photograph."""
    with h5py.File(path) as file:
        for name, box in zip(file["digitStruct/name"][:, 0], file["digitStruct/bbox"][:, 0]):
            fields = {"name": "".join(map(chr, file[name][:, 0]))}
            for field in FIELDS:
                values = file[box][field][:, 0]
                fields[field] = [value if isinstance(value, float) else file[value][0, 0] for value in values]
            yield fields
