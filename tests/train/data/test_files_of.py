import io
import os
import socket
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from train import plain_files
from train.data import files_of
from train.data.files_of import check_arrays, opened
from train.errors import UserError
from train.plain_files import read_plain

LANDMARK = "annotations.json"
LIMIT = 10_000


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    for module in (files_of, plain_files):
        monkeypatch.setattr(module, "MOST_BYTES", LIMIT)


def zipped(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def patched(path, offsets, values):
    """Changes a field of the only member, in its own header and in the zip's directory."""
    data = bytearray(path.read_bytes())
    for start, offset in zip((data.find(b"PK\3\4"), data.find(b"PK\1\2")), offsets):
        struct.pack_into("<H", data, start + offset, values)
    path.write_bytes(data)
    return path


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "data"
    (path / "sub").mkdir(parents=True)
    for name in (LANDMARK, "1.png", "sub/2.png"):
        (path / name).write_bytes(name.encode())
    (tmp_path / "outside.png").write_bytes(b"outside")
    return path


def test_a_folder_and_its_zip_hold_the_same(folder, tmp_path):
    archive = zipped(tmp_path / "a.zip", {name: name for name in (LANDMARK, "1.png", "sub/2.png")})
    for read in (opened(folder, LANDMARK), opened(archive, LANDMARK)):
        for name in ("1.png", "./1.png", "sub/2.png", "sub/../1.png"):
            assert read(name) == os.path.normpath(name).encode()
        with pytest.raises(FileNotFoundError):
            read("3.png")


@pytest.mark.parametrize("name", ["../outside.png", "sub/../../outside.png", "/etc/passwd", "..", "link.png", "up/x"])
def test_nothing_is_read_from_outside(folder, tmp_path, name):
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "up").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="outside"):
        opened(folder, LANDMARK)(name.replace("up/x", "up/outside.png"))


def test_names_with_backslashes_are_those_with_slashes(folder, tmp_path):
    archive = zipped(tmp_path / "a.zip", {f"house\\{name}": name for name in (LANDMARK, "1.png", "sub\\2.png")})
    (folder / "a\\b.png").write_bytes(b"of its own")
    assert opened(folder, LANDMARK)("a\\b.png") == b"of its own"
    for read in (opened(folder, LANDMARK), opened(archive, LANDMARK)):
        assert read("1.png") == b"1.png"
        assert read("sub\\2.png").replace(b"\\", b"/") == read("sub/2.png").replace(b"\\", b"/") == b"sub/2.png"
        with pytest.raises((ValueError, FileNotFoundError)):
            read("..\\outside.png")


@pytest.mark.parametrize("second", ["sub/2.png", "sub\\2.png"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_one_name_twice_is_refused(tmp_path, second):
    path = zipped(tmp_path / "a.zip", {LANDMARK: "", "sub/": "", "sub/2.png": "one"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("sub/", "")
        archive.writestr(second, "another")
    with pytest.raises(
        UserError, match=r"--data_dir must hold each name once. Received: .*, with 'sub/2.png' twice; zip"
    ):
        opened(path, LANDMARK)


def test_links_within_the_folder_are_followed(folder):
    (folder / "link.png").symlink_to("1.png")
    assert opened(folder, LANDMARK)("link.png") == b"1.png"


def test_only_plain_files_are_opened(folder, tmp_path):
    os.mkfifo(folder / "fifo.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket.png"))
        for name, kind in (("fifo.png", "a FIFO"), ("socket.png", "a socket"), ("sub", "a folder")):
            with pytest.raises(ValueError, match=f"it is {kind}"):
                opened(folder, LANDMARK)(name)
    with pytest.raises(ValueError, match="it is a device"):
        read_plain("/dev/zero")
    with pytest.raises(UserError, match=r"must be a folder or a zip. Received: /dev/zero \(it is a device\)"):
        opened(tmp_path / "/dev/zero", LANDMARK)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_has_a_largest_size(folder, tmp_path, method):
    data = {LANDMARK: b"[]", "good": bytes(LIMIT), "large": bytes(LIMIT + 1)}
    (folder / "good").write_bytes(data["good"])
    (folder / "large").write_bytes(data["large"])
    for read in (opened(folder, LANDMARK), opened(zipped(tmp_path / "a.zip", data, method), LANDMARK)):
        assert read("good") == data["good"]
        with pytest.raises(ValueError, match="more than 0 MB, the most that is read"):
            read("large")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_that_lies_about_its_size_takes_no_memory(tmp_path, method):
    path = zipped(tmp_path / "bomb.zip", {"bomb": bytes(2**24)}, method)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.find(b"PK\1\2") + 24, 100)
    path.write_bytes(data)
    read = opened(path, LANDMARK)
    tracemalloc.start()
    with pytest.raises(ValueError, match="damaged"):
        read("bomb")
    assert tracemalloc.get_traced_memory()[1] < 2**20 + 2**23  # of the latter is LZMA's dictionary
    tracemalloc.stop()


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (98, "PPMd"), (99, "AES"), (77, "method 77")])
def test_what_python_cannot_unpack_is_named(tmp_path, method, name):
    path = patched(zipped(tmp_path / "a.zip", {"1.png": b"x" * 99}), (8, 10), method)
    with pytest.raises(ValueError, match=f"it is compressed by {name}; zip the folder again by Deflate"):
        opened(path, LANDMARK)("1.png")


def test_an_encrypted_file_is_named(tmp_path):
    path = patched(zipped(tmp_path / "a.zip", {"1.png": b"x" * 99}), (6, 8), 1)
    with pytest.raises(ValueError, match="it is encrypted; zip the folder again without a password"):
        opened(path, LANDMARK)("1.png")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_is_told_in_words(tmp_path, method):
    content = os.urandom(500)
    path = zipped(tmp_path / "a.zip", {"1.png": content}, method)
    whole = path.read_bytes()
    for at in range(44 if method == zipfile.ZIP_LZMA else 35, whole.find(b"PK\1\2"), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with pytest.raises((ValueError, OSError)) as caught:
            opened(path, LANDMARK)("1.png")
        assert "\n" not in str(caught.value)


def test_the_one_folder_that_a_zip_was_made_of_is_looked_into(folder, tmp_path):
    names = {f"house/{LANDMARK}": b"[]", "house/1.png": b"1.png", f"__MACOSX/house/._{LANDMARK}": b"mac"}
    read = opened(zipped(tmp_path / "a.zip", names), LANDMARK)
    assert (read(LANDMARK), read("1.png")) == (b"[]", b"1.png")
    with pytest.raises(ValueError, match="outside"):
        read("../house/1.png")
    assert opened(folder.parent, LANDMARK)("1.png") == b"1.png"
    two = zipped(tmp_path / "b.zip", names | {f"barn/{LANDMARK}": b"[]"})
    with pytest.raises(FileNotFoundError):
        opened(two, LANDMARK)(LANDMARK)


def npz(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


def test_arrays_are_bounded_before_they_are_read(tmp_path):
    path = npz(tmp_path / "a.npz", images=np.zeros((100, 1000), np.uint8))
    check_arrays(path)
    with pytest.raises(ValueError, match="more than 0 MB"):
        check_arrays(path, 100_000)  # the header comes on top
    os.mkfifo(tmp_path / "b.npz")
    with pytest.raises(ValueError, match="a FIFO"):
        check_arrays(tmp_path / "b.npz")
    other = tmp_path / "c.npz"
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(9))
    zipped(other, {"images.npy": buffer.getvalue()}, zipfile.ZIP_LZMA)
    with pytest.raises(ValueError, match="compressed otherwise"):
        check_arrays(other)
