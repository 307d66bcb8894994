import io
import struct
import zipfile

import numpy as np
import pytest

from edge.bundle import weights
from edge.bundle.weights import read_weights


def npz(compressed=False, **arrays):
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def npz_of(part, compression=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("a.npy", part)
    return file.getvalue()


def npy(header, body=b""):
    header = header.encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_are_those_that_numpy_reads(compressed):
    rng = np.random.default_rng(0)
    arrays = {"a": rng.random((3, 4), np.float32), "b": np.asfortranarray(rng.random((2, 3, 4))), "c": np.zeros(0)}
    found = read_weights(npz(compressed, **arrays))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array.astype(np.float32), strict=True)
        assert found[name].flags.c_contiguous


@pytest.mark.parametrize("dtype", [">f4", ">f8", "<f2", "<f8"])
def test_floats_of_any_width_and_order_become_float32_row_by_row(dtype):
    array = (np.arange(6).reshape(2, 3) / 2).astype(dtype)
    np.testing.assert_array_equal(read_weights(npz(a=array))["a"], array.astype(np.float32), strict=True)


def test_numbers_that_float32_cannot_hold_are_refused():
    with pytest.raises(ValueError, match="no finite number"):
        read_weights(npz(a=np.array([1.0, 1e300])))


HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n"


@pytest.mark.parametrize(
    "shape", ["(10000000000,)", "(3, 4)", "(1,)", "(-1,)", "(2, -3, -1)", "(1,) * 3", f"({'1, ' * 40})", "(2**40,)"]
)
def test_a_header_that_says_more_or_less_than_there_is_is_refused(shape):
    with pytest.raises(ValueError):  # noqa: PT011  of numpy's or its own
        read_weights(npz_of(npy(HEADER % shape, b"\0" * 24)))


def test_a_header_with_a_bracket_that_is_never_closed_is_refused():
    with pytest.raises(ValueError, match="never closed"):
        read_weights(npz_of(npy((HEADER % "(2,)").replace("}", " "), bytes(8))))


def test_what_is_packed_small_and_is_large_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(weights, "MOST_BYTES", 10_000)
    with pytest.raises(ValueError, match="its arrays have more than 10,000 bytes"):
        read_weights(npz(True, a=np.zeros(1000, np.float32), b=np.zeros(10_000_000, np.float32)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="dense holds what is no finite number"):
        read_weights(npz(dense=np.array([1, value], np.float32)))


@pytest.mark.parametrize("array", [np.array([{}]), np.array(["a"]), np.arange(3), np.array([1j])])
def test_what_are_no_floats_is_refused(array):
    with pytest.raises(ValueError):  # noqa: PT011  of numpy's or its own
        read_weights(npz(dense=array))


def test_many_arrays_and_other_compressions_are_refused():
    with pytest.raises(ValueError, match="it holds 17 arrays, and 16 are the most"):
        read_weights(npz(**{f"a{i}": np.zeros(1) for i in range(17)}))
    with pytest.raises(ValueError, match="neither stored nor deflated"):
        read_weights(npz_of(b"", zipfile.ZIP_LZMA))
