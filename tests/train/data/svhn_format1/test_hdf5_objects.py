import h5py
import numpy as np
import pytest

from train.data.svhn_format1.hdf5_objects import LayoutError, ObjectFile


def header(file, name):
    return 512 + h5py.h5o.get_info(file[name].id).addr


@pytest.fixture
def made(tmp_path):
    """Returns (ObjectFile, object header by name) of a file with an object of every kind."""
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver=("earliest", "v108"), userblock_size=512) as file:
        file["contiguous"] = np.array([[2.5]])
        file["other"] = np.array([[-3.0]])
        file["two"] = np.array([[1.0], [2.0]])
        file.create_dataset("chunked", data=np.array([[1.0]]), chunks=(1, 1))
        file["big_endian"] = np.array([[1.0]], ">f8")
        for name in ("short", "a longer text"):
            file[name] = np.frombuffer(name.encode("utf-16-le"), np.uint16)[:, None]
        group = file.create_group("group")
        for name in ("a", "b"):
            group[name] = np.array([[ord(name)]], np.float64)
        for i in range(20):  # more than fit into the header: they go on in another block
            group.attrs[f"attribute {i}"] = i
        addresses = {name: header(file, name) for name in [*file, "group/a", "group/b"]}
    return ObjectFile(path, 512), addresses


def test_numbers_and_texts_of_many_objects_at_once(made):
    file, at = made
    assert file.scalars([at["other"], at["contiguous"], at["other"]]).tolist() == [-3.0, 2.5, -3.0]
    assert file.texts([at["short"], at["a longer text"]]) == ["short", "a longer text"]


def test_members_of_a_group(made):
    file, at = made
    members = file.members([at["group"]], ["a", "b"])
    assert members.tolist() == [[at["group/a"], at["group/b"]]]
    for names in (["a", "c"], ["a"], ["a", "b", "c"]):
        with pytest.raises(LayoutError):
            file.members([at["group"]], names)


@pytest.mark.parametrize("name", ["chunked", "big_endian", "two", "short", "group"])
def test_what_is_no_single_number_is_refused(made, name):
    file, at = made
    with pytest.raises(LayoutError):
        file.scalars([at["contiguous"], at[name]])


def test_addresses_beyond_the_file_are_refused(made):
    file, at = made
    for wrong in (len(file.bytes), -1, -(2**60), 2**62):
        with pytest.raises(LayoutError, match="beyond the end"):
            file.scalars([at["other"], wrong])


def test_a_header_that_leads_in_a_circle_ends(made, tmp_path):
    file, at = made
    data = bytearray(file.bytes.tobytes())
    start = at["contiguous"]
    block = np.array([start + 16 - 512, 24], "<i8").tobytes()
    data[start + 16 : start + 24] = np.array([0x10, 16, 0, 0], "<u2").tobytes()  # goes on in itself
    data[start + 24 : start + 40] = block
    data[start + 8 : start + 12] = np.array([24], "<u4").tobytes()
    (tmp_path / "circle.h5").write_bytes(data)
    with pytest.raises(LayoutError, match="lacks a message"):
        ObjectFile(tmp_path / "circle.h5", 512).scalars([start])
