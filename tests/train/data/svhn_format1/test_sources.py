import gzip
import os
import shutil

import pytest
from tiny_svhn import packed, photograph, png, published

from train.data.svhn_format1 import sources
from train.data.svhn_format1.sources import Source, find_source
from train.errors import DataUnavailableError, UserError


@pytest.fixture
def unpacked(tiny_svhn, tmp_path):
    """Returns a folder of `test` that may be changed."""
    return shutil.copytree(tiny_svhn / "test", tmp_path / "data" / "test")


def test_published_archives_are_pinned():
    assert {split: archive.size for split, archive in sources.ARCHIVES.items()} == {
        "train": 404141560,
        "test": 276555967,
        "extra": 1955489752,
    }
    assert all(len(bytes.fromhex(archive.sha256)) == 32 for archive in sources.ARCHIVES.values())


def test_the_order_of_search(site, tiny_archives, tiny_svhn, tmp_path):
    data, cache = tmp_path / "data", sources.CACHE
    data.mkdir()
    assert find_source("test", str(data)).path == cache / "test.tar.gz"  # fetched
    assert (cache / "test.tar.gz").read_bytes() == tiny_archives["test"]
    assert find_source("test", str(data)).path == cache / "test.tar.gz"  # found
    assert [path for path, _ in site.requests] == ["/test.tar.gz"]
    (data / "test.tar.gz").write_bytes(tiny_archives["test"])
    assert find_source("test", str(data)).path == data / "test.tar.gz"
    shutil.copytree(tiny_svhn / "test", data / "test")
    assert find_source("test", str(data)).path == data / "test"
    assert find_source("test", None).path == cache / "test.tar.gz"


def test_without_network_the_message_says_what_to_do():
    with pytest.raises(DataUnavailableError, match=r"train\.tar\.gz can't be reached .* --data_dir=FOLDER") as caught:
        find_source("train", None)
    assert "\n" not in str(caught.value)


def test_a_data_dir_that_is_no_folder_and_photographs_without_annotation(unpacked, tmp_path):
    with pytest.raises(UserError, match="--data_dir must be a folder for svhn. Received: nowhere"):
        find_source("train", "nowhere")
    (unpacked / "digitStruct.mat").unlink()
    with pytest.raises(UserError, match=r"test holds photographs but no digitStruct\.mat"):
        find_source("test", str(unpacked.parent))


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_annotation_and_photographs(form, site, labels, tiny_svhn):
    source = find_source("test", str(tiny_svhn) if form == "folder" else None)
    annotation = source.annotation()
    assert [digits.tolist() for _, digits, _ in annotation] == labels["test"]
    assert dict(source.photographs(annotation.names)) == {f"{i + 1}.png": png(photograph(i)) for i in range(4)}
    assert list(sources.CACHE.glob("tmp*")) == []


def test_the_identity_of_a_folder_changes_with_its_files(unpacked):
    source = Source("test", unpacked)
    first = source.identity
    assert source.identity == first
    os.utime(unpacked / "digitStruct.mat", ns=(1, 1))
    second = source.identity
    (unpacked / "1.png").write_bytes(b"another size")
    third = source.identity
    (unpacked / "1.png").write_bytes(b"another SIZE")
    os.utime(unpacked / "1.png", ns=(1, 1))
    assert len({first, second, third, source.identity}) == 4


def test_missing_photographs_are_counted_and_named(unpacked, tmp_path, monkeypatch):
    (unpacked / "3.png").unlink()
    (unpacked / "2.png").unlink()
    message = r"2 of the 4 photographs that digitStruct\.mat names are missing, 2\.png among them"
    names = [f"{i + 1}.png" for i in range(4)]
    with pytest.raises(UserError, match=message):
        list(Source("test", unpacked).photographs(names))
    archive = tmp_path / "test.tar.gz"
    archive.write_bytes(packed(unpacked))
    with pytest.raises(UserError, match=message):
        list(Source("test", archive).photographs(names))


@pytest.mark.parametrize("change", ["truncated", "other"])
def test_an_archive_that_is_not_the_published_one_is_named(change, site, tiny_archives, tmp_path):
    data = bytearray(tiny_archives["test"])
    if change == "truncated":
        del data[1000:]
    else:
        data[1000] ^= 1
    (tmp_path / "test.tar.gz").write_bytes(data)
    received = "1000 bytes" if change == "truncated" else "sha256 [0-9a-f]{64}"
    with pytest.raises(UserError, match=rf"test\.tar\.gz is not SVHN's: .* Received: {received}; fetch http"):
        find_source("test", str(tmp_path)).annotation()


def damaged(data):
    """Returns damaged archives by name: what is in them can't be read, whatever their checksum."""
    plain = gzip.decompress(data)
    return {
        "no gzip": b"<html>" * 100,
        "truncated gzip": data[: len(data) // 2],
        "damaged gzip": data[:2000] + bytes(200) + data[2200:],
        "truncated tar": gzip.compress(plain[: len(plain) // 2]),
        "no tar": gzip.compress(b"x" * 5000),
    }


@pytest.mark.parametrize("what", ["no gzip", "truncated gzip", "damaged gzip", "truncated tar", "no tar"])
def test_a_damaged_archive_is_named(what, tiny_archives, tmp_path, monkeypatch):
    path = tmp_path / "test.tar.gz"
    path.write_bytes(damaged(tiny_archives["test"])[what])
    monkeypatch.setattr(sources, "ARCHIVES", {"test": published(path.read_bytes())})

    def read(source):
        return list(source.photographs(source.annotation().names))

    with pytest.raises(UserError, match=r"test\.tar\.gz (can't be unpacked \(|holds no|: .* are missing)") as caught:
        read(Source("test", path))
    assert "\n" not in str(caught.value)


def test_an_archive_without_annotation_is_named(unpacked, tmp_path, monkeypatch):
    (unpacked / "digitStruct.mat").unlink()
    path = tmp_path / "test.tar.gz"
    path.write_bytes(packed(unpacked))
    monkeypatch.setattr(sources, "ARCHIVES", {"test": published(path.read_bytes())})
    with pytest.raises(UserError, match=r"test\.tar\.gz holds no digitStruct\.mat"):
        Source("test", path).annotation()
