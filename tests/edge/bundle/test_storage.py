import copy
import os
import zipfile

import pytest

from edge.bundle import file_entry, load_bundle, storage, zips
from edge.bundle.content import format_content
from edge.bundle.manifest import FileEntry
from edge.bundle.storage import opened, write
from edge.errors import UserError


def make_zip(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


@pytest.fixture
def packed(bundle_copy, tmp_path):
    """A bundle as a zip file."""
    write(tmp_path / "b.zip", bundle_copy.files)
    return tmp_path / "b.zip"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_made_by_another_program_is_read(bundle_copy, tmp_path, method):
    path = make_zip(tmp_path / "no_suffix", [*bundle_copy.files.items(), ("README", "read me")], method)
    assert load_bundle(path).files == bundle_copy.files


def test_nothing_is_unpacked_to_disk(packed, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "never_made"))
    before = sorted(os.listdir(tmp_path))
    load_bundle(packed)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("../coarse.tflite", b""), "holds '../coarse.tflite', which is not a plain file name"),
        (("/etc/passwd", b""), "not a plain file name"),
        (("C:\\a", b""), "not a plain file name"),
        (("sub/", b""), "not a plain file name"),
        (("coarse.tflite", b""), "holds 'coarse.tflite' twice"),
        (("manifest.json", b"{}"), "holds 'manifest.json' twice"),
    ],
)
def test_a_member_that_no_bundle_holds_is_told(packed, more, message):
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(*more)
    with pytest.raises(UserError, match=message):
        load_bundle(packed)


@pytest.mark.parametrize("name", ["manifest.json", "fine.tflite", "saliency.npz"])
def test_a_missing_member_is_told(bundle_copy, tmp_path, name):
    path = make_zip(tmp_path / "b.zip", [(n, c) for n, c in bundle_copy.files.items() if n != name])
    with pytest.raises(UserError, match=f"it has no {name}|{name} is missing"):
        load_bundle(path)


def test_a_zip_of_the_folder_itself_is_told(bundle_copy, tmp_path):
    path = make_zip(tmp_path / "b.zip", [(f"bundle/{name}", content) for name, content in bundle_copy.files.items()])
    with pytest.raises(UserError, match="pack the bundle again with python -m edge.bundle pack"):
        load_bundle(path)


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.9, 0.99, 0.9999])
def test_a_truncated_zip_is_told(packed, share):
    content = packed.read_bytes()
    packed.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UserError, match="neither a bundle's folder nor a whole zip file"):
        load_bundle(packed)


def test_a_flipped_bit_in_a_zip_is_told_or_changes_nothing(packed):
    content = packed.read_bytes()
    files, told, step = load_bundle(packed).files, 0, 997
    positions = [*range(0, len(content), step), *range(len(content) - 600, len(content), 7)]
    for position in positions:
        packed.write_bytes(content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :])
        try:
            assert load_bundle(packed).files == files  # a date, say
        except UserError:
            told += 1
    assert told > len(content) // step - 5


def test_zip_bombs_are_read_no_further_than_the_manifest_says(bundle_copy, tmp_path):
    bomb = b"\0" * 2**25
    for name, limit in (("manifest.json", "1,048,576"), ("top.tflite", "41,000")):
        members = {**bundle_copy.files, name: bomb}
        with pytest.raises(UserError, match=f"{name} in .* is longer than the {limit} bytes"):
            load_bundle(make_zip(tmp_path / "b.zip", members.items()))


def test_a_bomb_that_the_manifest_announces_is_not_read(bundle_copy, tmp_path):
    manifest = copy.deepcopy(bundle_copy.manifest.content)
    manifest["files"]["top.tflite"]["bytes"] = storage.MOST_BYTES
    members = bundle_copy.files | {"manifest.json": format_content(manifest)}
    with pytest.raises(UserError, match="more than the 268,435,456 of any bundle"):
        load_bundle(make_zip(tmp_path / "b.zip", members.items()))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_told(bundle_copy, tmp_path, method):
    with pytest.raises(UserError, match=r"manifest.json in .* is neither stored nor deflated"):
        load_bundle(make_zip(tmp_path / "b.zip", bundle_copy.files.items(), method))


def test_an_encrypted_member_is_told(packed):
    content = bytearray(packed.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 8] |= zips.ENCRYPTED  # of the last member
    packed.write_bytes(content)
    with pytest.raises(UserError, match="whole_fine.tflite in .* is neither stored nor deflated"):
        load_bundle(packed)


def test_a_huge_file_is_no_bundle(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "MOST_BYTES", 10)
    with (
        pytest.raises(UserError, match="has 100 bytes, more than the 10 of any bundle"),
        opened(make_file(tmp_path / "b.zip", 100)),
    ):
        pass


def make_file(path, size):
    path.write_bytes(b"\0" * size)
    return path


def test_a_folder_where_a_file_should_be_is_told(bundle_copy):
    (bundle_copy.path / "top.tflite").unlink()
    (bundle_copy.path / "top.tflite").mkdir()
    with pytest.raises(UserError, match="top.tflite cannot be read"):
        load_bundle(bundle_copy.path)


def test_a_failure_in_writing_a_zip_leaves_the_older_one(packed, monkeypatch):
    def fail(archive, *arguments):
        raise OSError("disk full")

    before = packed.read_bytes()
    monkeypatch.setattr(storage.zipfile.ZipFile, "writestr", fail)
    with pytest.raises(UserError, match="disk full"):
        write(packed, {"manifest.json": b""})
    assert packed.read_bytes() == before
    assert sorted(os.listdir(packed.parent)) == ["b.zip", "bundle"]


def test_what_killed_writers_left_is_removed_when_it_is_old(tmp_path):
    destination, hexadecimal = tmp_path / "a.b.zip", "0123456789abcdef" * 2
    old = [f".a.b.zip.{hexadecimal}", ".a.b.zip.x1_yzab8"]
    kept = [f".a.b.zip.{hexadecimal[::-1]}", f".axb.zip.{hexadecimal}", ".a.b.zip.old.x1_yzab8", ".a.b.zip.notes"]
    for name in (old[0], *kept):
        (tmp_path / name).write_text("")
    (tmp_path / old[1]).mkdir()
    for name in (*old, *kept[1:]):
        os.utime(tmp_path / name, (0, 0))
    write(destination, {"a": b"b"})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "a.b.zip"])
    write(destination.with_name("c"), {})
    assert (tmp_path / kept[2]).exists()


def test_file_entries_are_of_the_content():
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert file_entry(b"") == FileEntry(empty, 0)
