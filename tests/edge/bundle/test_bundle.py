import copy
import json
import os
import zipfile
from pathlib import Path

import pytest

from edge.bundle import card, check_destination, checksum, load_bundle, storage, write_bundle
from edge.bundle.__main__ import main
from edge.bundle.content import format_content, parse_content
from edge.errors import UserError, run_main

FILES = ["coarse.tflite", "fine.tflite", "saliency.npz", "top.tflite", "whole_fine.tflite"]
REGIONS = 24


def files_of(bundle):
    return {name: content for name, content in bundle.files.items() if name != "manifest.json"}


def change_manifest(bundle, change):
    """Writes the bundle's manifest anew, after `change(manifest)`, with its checksum."""
    path = bundle.path / "manifest.json"
    manifest = copy.deepcopy(bundle.manifest.content)
    change(manifest)
    path.write_bytes(format_content(manifest))


def flipped(content):
    """Yields copies of a content, each with one bit flipped in another region, the first and last byte among them."""
    for region in range(REGIONS + 1):
        position = region * (len(content) - 1) // REGIONS
        yield content[:position] + bytes([content[position] ^ (1 << region % 8)]) + content[position + 1 :]


def test_a_bundle_is_read_back(case):
    assert load_bundle(case.float32.path) == case.float32
    assert sorted(files_of(case.float32)) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found_in_every_region_of_every_file(bundle_copy, name):
    path = bundle_copy.path / name
    for damaged in flipped(bundle_copy.files[name]):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=f"{name} in .* is not the file that was exported"):
            load_bundle(bundle_copy.path)


def test_every_flipped_bit_in_the_manifest_is_found(bundle_copy):
    content = bundle_copy.files["manifest.json"]
    for position in [*range(0, len(content), 37), *range(len(content) - checksum.LENGTH - 2, len(content))]:
        for bit in range(8):
            damaged = content[:position] + bytes([content[position] ^ (1 << bit)]) + content[position + 1 :]
            with pytest.raises(UserError, match="manifest"):
                parse_content(damaged)
    (bundle_copy.path / "manifest.json").write_bytes(content.replace(b'"3"', b'";"', 1))
    with pytest.raises(UserError, match="is not as it was written: its checksum is wrong or missing; copy the bundle"):
        load_bundle(bundle_copy.path)


def test_a_manifest_without_its_last_line_is_told(bundle_copy):
    content = bundle_copy.files["manifest.json"]
    (bundle_copy.path / "manifest.json").write_bytes(content[: -checksum.LENGTH] + b"\n}\n")
    with pytest.raises(UserError, match="its checksum is wrong or missing"):
        load_bundle(bundle_copy.path)


def without_checksum(manifest):
    """Returns what a manifest's bytes say, but for the checksum."""
    return {key: value for key, value in json.loads(manifest).items() if key != "checksum"}


def as_version(bundle, version):
    """Writes the bundle's manifest as a program of an older format did, without a checksum."""
    content = bundle.manifest.content | {"format_version": version}
    (bundle.path / "manifest.json").write_text(json.dumps(content, indent=2))


@pytest.mark.parametrize("version", [3, 4])
def test_an_older_manifest_is_believed_and_check_says_that_it_may_be_damaged(bundle_copy, version, capsys):
    as_version(bundle_copy, version)
    found = load_bundle(bundle_copy.path)
    assert found.manifest.task == bundle_copy.manifest.task
    with pytest.raises(
        UserError, match=rf"has no checksum \(format version {version}\), .*; give it one: python -m edge"
    ):
        main(["check", str(bundle_copy.path)])
    packed = bundle_copy.path.parent / "b.zip"
    with pytest.raises(UserError, match="has no checksum"):  # a zip has, of every file, and would vouch for it
        main(["pack", str(bundle_copy.path), str(packed)])
    assert not packed.exists()
    main(["stamp", str(bundle_copy.path)])
    main(["check", str(bundle_copy.path)])
    main(["pack", str(bundle_copy.path), str(packed)])
    main(["check", str(packed)])
    assert load_bundle(bundle_copy.path).manifest == bundle_copy.manifest
    stamped, shipped = (bundle_copy.path / "manifest.json").read_bytes(), bundle_copy.files["manifest.json"]
    assert without_checksum(stamped) == without_checksum(shipped)


def test_a_change_of_ones_own_can_be_vouched_for(bundle_copy, capsys):
    path = bundle_copy.path / "manifest.json"
    path.write_text(path.read_text().replace('"num_patches": 8', '"num_patches": 5', 1))
    with pytest.raises(UserError, match="vouch for a change of your own with python -m edge.bundle stamp"):
        main(["check", str(bundle_copy.path)])
    main(["stamp", str(bundle_copy.path)])
    assert "5 of 14 x 14" in capsys.readouterr().out
    assert load_bundle(bundle_copy.path).manifest.num_patches == 5
    path.write_text(path.read_text().replace('"num_patches": 5', '"num_patches": 0', 1))
    with pytest.raises(UserError, match="num_patches must be at least 1"):
        main(["stamp", str(bundle_copy.path)])


@pytest.mark.parametrize("bundle", ["cluttered_mnist", "cluttered_mnist_accurate", "street_numbers"])
def test_the_shipped_bundles_are_whole(bundle, capsys):
    main(["check", str(Path(__file__).parents[3] / "models" / bundle)])


@pytest.mark.parametrize("bytes_left", [0, 1, 1000])
def test_a_file_that_was_cut_short_is_told(bundle_copy, bytes_left):
    (bundle_copy.path / "top.tflite").write_bytes(bundle_copy.files["top.tflite"][:bytes_left])
    with pytest.raises(UserError, match=f"top.tflite .* {bytes_left} bytes where the manifest says 41000"):
        load_bundle(bundle_copy.path)


def test_a_file_that_grew_is_told_without_reading_all_of_it(bundle_copy):
    with (bundle_copy.path / "top.tflite").open("ab") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match="top.tflite is longer than the 41,000 bytes"):
        load_bundle(bundle_copy.path)


def test_a_missing_file_is_told(bundle_copy):
    (bundle_copy.path / "fine.tflite").unlink()
    with pytest.raises(UserError, match="fine.tflite is missing"):
        load_bundle(bundle_copy.path)


def test_a_file_that_the_manifest_does_not_vouch_for_is_told(bundle_copy):
    change_manifest(bundle_copy, lambda manifest: manifest["files"].pop("top.tflite"))
    with pytest.raises(UserError, match="manifest.files.top.tflite is missing"):
        load_bundle(bundle_copy.path)


@pytest.mark.parametrize("name", ["../outside.tflite", "/etc/passwd", "..", "", "a\\b"])
def test_the_manifest_cannot_name_files_elsewhere(bundle_copy, name):
    entry = {"sha256": "0" * 64, "bytes": 0}
    change_manifest(bundle_copy, lambda manifest: manifest["files"].update({name: entry}))
    with pytest.raises(UserError, match="not a plain file name"):
        load_bundle(bundle_copy.path)


def test_more_bytes_than_any_bundle_has_are_not_read(bundle_copy):
    entry = {"sha256": "0" * 64, "bytes": storage.MOST_BYTES}
    change_manifest(bundle_copy, lambda manifest: manifest["files"].update({"more": entry}))
    with pytest.raises(UserError, match="more than the 268,435,456 of any bundle"):
        load_bundle(bundle_copy.path)


def test_what_is_new_in_a_manifest_is_ignored(bundle_copy):
    def change(manifest):
        manifest["new"] = 1
        manifest["models"]["coarse"]["inputs"][0]["new"] = 1

    change_manifest(bundle_copy, change)
    main(["check", str(bundle_copy.path)])


@pytest.mark.parametrize("text", ["", "{", "\xff\xfe", "[" * 10**5])
def test_a_damaged_manifest_is_told(bundle_copy, text):
    (bundle_copy.path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match="manifest.json"):
        load_bundle(bundle_copy.path)


def test_what_is_no_bundle_is_told(tmp_path):
    with pytest.raises(UserError, match="no such bundle"):
        load_bundle(tmp_path / "none")
    (tmp_path / "text").write_text("not a zip")
    with pytest.raises(UserError, match="neither a bundle's folder nor a whole zip"):
        load_bundle(tmp_path / "text")
    with pytest.raises(UserError, match="is not a bundle: it has no manifest.json"):
        load_bundle(tmp_path)


def test_writing_replaces_an_older_bundle_and_leaves_nothing_beside(bundle_copy):
    manifest = bundle_copy.manifest.content | {"num_patches": 2}
    written = write_bundle(bundle_copy.path, files_of(bundle_copy), manifest)
    assert load_bundle(bundle_copy.path).manifest.num_patches == 2
    assert sorted(os.listdir(written.path)) == sorted([*written.manifest.files, "manifest.json"])
    assert os.listdir(bundle_copy.path.parent) == ["bundle"]


def test_writing_never_replaces_something_else(bundle_copy, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_text("dear")
    with pytest.raises(UserError, match="not a bundle and not empty"):
        write_bundle(tmp_path / "photos", files_of(bundle_copy), bundle_copy.manifest.content)
    with pytest.raises(UserError, match="is there and not a folder"):
        check_destination(tmp_path / "photos" / "me.jpg")
    (tmp_path / "photos" / "manifest.json").write_text('{"name": "an app of the web"}')
    with pytest.raises(UserError, match="not a bundle and not empty"):
        check_destination(tmp_path / "photos")
    assert (tmp_path / "photos" / "me.jpg").read_text() == "dear"


@pytest.mark.parametrize("packed", [False, True])
def test_writing_never_removes_what_lies_beside_the_files_of_a_bundle(packed, bundle_copy, tmp_path):
    if packed:
        place = tmp_path / "b.zip"
        main(["pack", str(bundle_copy.path), str(place)])
        with zipfile.ZipFile(place, "a") as archive:
            archive.writestr("notes.txt", "dear")
    else:
        place = bundle_copy.path
        (place / "notes.txt").write_text("dear")
    with pytest.raises(UserError, match=r"holds notes\.txt, which is no file of its bundle; move it away"):
        write_bundle(place, files_of(bundle_copy), bundle_copy.manifest.content)
    if packed:
        assert zipfile.ZipFile(place).read("notes.txt") == b"dear"
    else:
        assert (place / "notes.txt").read_text() == "dear"


def test_a_failure_in_writing_leaves_the_older_bundle(bundle_copy, monkeypatch):
    def fail(path, content):
        raise OSError("disk full")

    files = files_of(bundle_copy)
    monkeypatch.setattr(storage, "_write_synced", fail)
    with pytest.raises(UserError, match="disk full"):
        write_bundle(bundle_copy.path, files, bundle_copy.manifest.content | {"num_patches": 2})
    assert load_bundle(bundle_copy.path).manifest.num_patches == 8
    assert os.listdir(bundle_copy.path.parent) == ["bundle"]


def test_check_prints_the_card(case, capsys):
    main(["check", str(case.ptq.path)])
    printed = capsys.readouterr().out
    assert printed == card(case.ptq) + "\n"
    assert case.ptq.manifest.name in printed
    assert "ptq" in printed


def test_check_meets_what_the_models_themselves_contradict(bundle_copy):
    change_manifest(bundle_copy, lambda manifest: manifest["models"]["top"]["inputs"][0].update(scale=0.5))
    with pytest.raises(UserError, match="tensor 'windows' .* scale 0.5, .* is not in its model file"):
        main(["check", str(bundle_copy.path)])


def test_a_packed_bundle_is_the_same_bundle_and_always_the_same_bytes(bundle_copy, tmp_path, capsys):
    packed = tmp_path / "b.zip"
    for path in bundle_copy.path.iterdir():
        os.utime(path, (0, 1e9))
    main(["pack", str(bundle_copy.path), str(packed)])
    first = packed.read_bytes()
    main(["pack", str(packed), str(packed)])  # from a zip, and over an older bundle
    assert packed.read_bytes() == first
    assert load_bundle(packed).files == bundle_copy.files
    assert sorted(os.listdir(tmp_path)) == ["b.zip", "bundle"]
    capsys.readouterr()
    main(["check", str(packed)])
    assert capsys.readouterr().out == card(bundle_copy) + "\n"


def test_a_bundle_is_written_as_a_zip_where_the_name_says_so(bundle_copy, tmp_path):
    write_bundle(tmp_path / "b.zip", files_of(bundle_copy), bundle_copy.manifest.content)
    assert zipfile.is_zipfile(tmp_path / "b.zip")
    assert load_bundle(tmp_path / "b.zip").manifest == bundle_copy.manifest


@pytest.mark.parametrize("arguments", [["check", "/nowhere"], ["check"], ["make", "x"], [], ["pack", "x"]])
def test_wrong_arguments_are_one_line_and_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_info:
        run_main(main, arguments)
    assert exit_info.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


def test_a_damaged_bundle_is_not_packed_and_nothing_else_is_overwritten(bundle_copy, tmp_path):
    (tmp_path / "photos.zip").write_text("dear")
    with pytest.raises(UserError, match="is there and not a bundle"):
        main(["pack", str(bundle_copy.path), str(tmp_path / "photos.zip")])
    with pytest.raises(UserError, match="ends in .zip"):
        main(["pack", str(bundle_copy.path), str(tmp_path / "b.tar")])
    (bundle_copy.path / "top.tflite").write_bytes(b"")
    with pytest.raises(UserError, match="top.tflite"):
        main(["pack", str(bundle_copy.path), str(tmp_path / "b.zip")])
    assert (tmp_path / "photos.zip").read_text() == "dear"
    assert sorted(os.listdir(tmp_path)) == ["bundle", "photos.zip"]


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_in_a_bundle_is_told_and_does_not_hang(bundle_copy, kind):
    path = bundle_copy.path / "top.tflite"
    path.unlink()
    {"pipe": os.mkfifo, "device": lambda p: p.symlink_to("/dev/zero"), "folder": os.mkdir}[kind](path)
    with pytest.raises(UserError, match=f"top.tflite cannot be read: it is a {kind}, and no file"):
        load_bundle(bundle_copy.path)
