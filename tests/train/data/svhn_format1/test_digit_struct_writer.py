import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from tiny_svhn import annotation

from train.data.svhn_format1 import digit_struct, digit_struct_writer
from train.data.svhn_format1.benchmark import random_annotation
from train.data.svhn_format1.digit_struct import DigitStruct, read_digit_struct
from train.data.svhn_format1.digit_struct_writer import write_digit_struct

REAL = Path(os.environ.get("DCN_DATA_DIR", "missing")) / "svhn_originals"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Returns (annotation, its file): enough for a tree of three levels in #refs#."""
    path = tmp_path_factory.mktemp("written") / "digitStruct.mat"
    made = random_annotation(600)
    write_digit_struct(path, made)
    return made, path


def test_the_library_reads_what_was_written(tmp_path):
    made, path = random_annotation(60), tmp_path / "digitStruct.mat"
    write_digit_struct(path, made)
    with h5py.File(path) as file:
        names, counts, values = digit_struct.read_one_by_one(file)
    assert names == made.names
    np.testing.assert_array_equal(counts, made.counts)
    height, label, left, top, width = values.T
    np.testing.assert_array_equal(label % 10, made.digits)
    np.testing.assert_array_equal(np.stack([left, top, left + width, top + height], axis=1), made.boxes)


def test_every_object_is_its_own_and_is_found_by_its_name(written):
    made, path = written
    with h5py.File(path) as file:
        refs = file["#refs#"]
        names = list(refs)
        assert len(names) == 2 * len(made) + 5 * made.counts[made.counts > 1].sum()
        assert names == sorted(names)
        addresses = {h5py.h5o.get_info(refs.id, name.encode()).addr for name in names}
        assert len(addresses) == len(names)
        for name in names[::11]:
            assert refs[name].attrs["H5PATH"] == f"/#refs#/{name}".encode()
        with pytest.raises(KeyError):
            refs["none"]
        for name in ("ZZZZZZZ", "0000000a", "a"):
            assert name not in refs


def test_the_library_adds_to_what_was_written(written, tmp_path):
    _, path = written
    copy = tmp_path / "digitStruct.mat"
    copy.write_bytes(path.read_bytes())
    with h5py.File(copy, "r+") as file:
        before = list(file["#refs#"])
        for i in range(100):
            file["#refs#"][f"added {i}"] = i
    with h5py.File(copy) as file:
        assert set(file["#refs#"]) == {*before, *(f"added {i}" for i in range(100))}
        assert file["#refs#/added 70"][()] == 70


@pytest.mark.parametrize("chunk", [1, 3, 2000])
def test_photographs_stand_one_after_another_however_many_are_stamped_together(tmp_path, monkeypatch, chunk):
    made = annotation([[1], [2, 0], [3], [4, 5, 6], [7, 8]])
    write_digit_struct(tmp_path / "whole.mat", made)
    monkeypatch.setattr(digit_struct_writer, "CHUNK", chunk)
    write_digit_struct(tmp_path / "parts.mat", made)
    with h5py.File(tmp_path / "whole.mat") as whole, h5py.File(tmp_path / "parts.mat") as parts:
        for part in ("name", "bbox"):
            addresses = digit_struct._addresses(whole[f"digitStruct/{part}"])
            assert np.all(np.diff(addresses) > 0)
            np.testing.assert_array_equal(digit_struct._addresses(parts[f"digitStruct/{part}"]), addresses)


def test_names_of_any_length_and_script(tmp_path):
    names = ["1.png", "a much longer name.png", "é\U0001f3e0.png", "x"]
    made = DigitStruct(names, np.ones(4, int), np.arange(4, dtype=np.uint8), np.ones((4, 4), np.float32))
    write_digit_struct(tmp_path / "digitStruct.mat", made)
    assert read_digit_struct(tmp_path / "digitStruct.mat").names == names


def test_nothing_half_written_is_left_in_place(tmp_path, monkeypatch):
    path = tmp_path / "digitStruct.mat"
    path.write_bytes(b"before")
    monkeypatch.setattr(digit_struct_writer, "_stamp", None)
    with pytest.raises(TypeError):
        write_digit_struct(path, annotation([[1]]))
    assert path.read_bytes() == b"before"


def form(file, item):
    """Returns what there is to an object apart from its contents: attributes, types, shape and layout."""
    attributes = {name: (value.dtype, value.shape) for name, value in item.attrs.items() if name != "H5PATH"}
    common = attributes, item.attrs.get("MATLAB_class"), set(item.attrs)
    if isinstance(item, h5py.Group):
        fields = sorted("".join(map(bytes.decode, field)) for field in item.attrs["MATLAB_fields"])
        return *common, fields, {name: form(file, member) for name, member in item.items()}
    several = h5py.check_ref_dtype(item.dtype) is not None
    members = [form(file, file[reference]) for reference in item[:, 0]] if several else None
    return *common, item.dtype, item.shape, item.id.get_create_plist().get_layout(), members


@pytest.mark.skipif(not REAL.is_dir(), reason="needs svhn_originals in DCN_DATA_DIR")
@pytest.mark.parametrize("split", ["train", "test", "extra"])
def test_objects_have_the_form_of_the_genuine_ones(split, tmp_path):
    genuine = REAL / split / "digitStruct.mat"
    write_digit_struct(tmp_path / "digitStruct.mat", read_digit_struct(genuine))
    with h5py.File(genuine) as expected, h5py.File(tmp_path / "digitStruct.mat") as found:
        for part in ("name", "bbox"):
            pairs = zip(found[f"digitStruct/{part}"][:, 0], expected[f"digitStruct/{part}"][:, 0], strict=True)
            for mine, theirs in pairs:
                assert form(found, found[mine]) == form(expected, expected[theirs])
