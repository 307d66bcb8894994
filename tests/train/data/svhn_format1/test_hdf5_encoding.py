import h5py
import numpy as np

from train.data.svhn_format1 import hdf5_encoding as hdf5


def test_the_bytes_of_a_data_set_are_the_librarys(tmp_path):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver=("earliest", "v108")) as file:
        space = h5py.h5s.create_simple((2, 1))
        compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        compact.set_layout(h5py.h5d.COMPACT)
        data = h5py.h5d.create(file.id, b"data", h5py.h5t.IEEE_F64LE, space, compact)
        data.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([[2.5], [-1.0]]))
        text = h5py.h5t.C_S1.copy()
        text.set_size(6)
        h5py.h5a.create(data, b"kind", text, h5py.h5s.create(h5py.h5s.SCALAR)).write(np.array(b"double"), text)
        h5py.h5a.create(data, b"count", h5py.h5t.STD_I32LE, space).write(np.array([[7], [8]], np.int32))
    written = path.read_bytes()
    values = np.array([2.5, -1.0]).tobytes()
    for message in (
        hdf5.message(hdf5.DATASPACE, hdf5.dataspace(2, 1)),
        hdf5.message(hdf5.DATATYPE, hdf5.FLOAT64, hdf5.CONSTANT),
        hdf5.compact_layout(values),
        hdf5.text_attribute(b"kind", b"double"),
        hdf5.attribute(b"count", hdf5.INT32, hdf5.dataspace(2, 1), np.array([7, 8], np.int32).tobytes()),
    ):
        assert message in written


def test_a_header_counts_its_messages_and_bytes():
    data = hdf5.header([hdf5.message(1, b"abc"), hdf5.message(2, bytes(16))], elsewhere=3)
    version, _, count, *_ = np.frombuffer(data[:4], "u1")
    assert (version, count) == (1, 5)
    assert np.frombuffer(data[4:12], "<u4").tolist() == [1, len(data) - 16]
    assert data[16:32] == b"\x01\0\x08\0\0\0\0\0abc\0\0\0\0\0"


def test_leaves_hold_eight_members_each():
    nodes, last = hdf5.leaf_nodes(8 * np.arange(1, 12), 1000 + np.arange(11))
    assert nodes.tobytes()[:6] == b"SNOD\x01\x00"
    assert nodes["used"].tolist() == [8, 3]
    assert nodes["symbols"]["header"][1, :4].tolist() == [1008, 1009, 1010, 0]
    assert last.tolist() == [64, 88]


def test_a_level_of_a_tree_knows_names_children_and_neighbours():
    nodes, last = hdf5.tree_nodes(1, 5000, np.arange(70) + 100, 8 * np.arange(70) + 8)
    assert nodes.itemsize == 544
    assert nodes["used"].tolist() == [32, 32, 6]
    assert nodes["level"].tolist() == [1, 1, 1]
    none = hdf5.UNDEFINED
    assert nodes["beside"].tolist() == [[none, 5544], [5000, 6088], [5544, none]]
    assert nodes["words"][0, :5].tolist() == [0, 100, 8, 101, 16]
    assert nodes["words"][1, :3].tolist() == [256, 132, 264]  # begins with the last name of the node before
    assert nodes["words"][2, 11:15].tolist() == [169, 560, 0, 0]
    assert last.tolist() == [256, 512, 560]
