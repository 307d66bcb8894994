import json
import os

import pytest

from edge import bundle as bundle_module
from edge.bundle import card, check_destination, load_bundle, main, write_bundle
from edge.errors import UserError, run_main


def files_of(bundle):
    return {name: (bundle.path / name).read_bytes() for name in bundle.manifest["files"]}


def test_a_bundle_is_read_back(classifier_case):
    assert load_bundle(classifier_case.float32.path).manifest == classifier_case.float32.manifest
    assert set(classifier_case.float32.manifest["files"]) == {
        "coarse.tflite",
        "fine.tflite",
        "top.tflite",
        "whole_fine.tflite",
        "saliency.npz",
    }


def test_a_changed_byte_is_found_in_every_file(bundle_copy):
    for name in bundle_copy.manifest["files"]:
        path = bundle_copy.path / name
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(UserError, match=f"{name} is not the file that was exported"):
            load_bundle(bundle_copy.path)
        path.write_bytes(content)
    load_bundle(bundle_copy.path)


def test_a_missing_file_is_told(bundle_copy):
    (bundle_copy.path / "fine.tflite").unlink()
    with pytest.raises(UserError, match="fine.tflite is missing"):
        load_bundle(bundle_copy.path)


def test_a_file_that_the_manifest_does_not_vouch_for_is_told(bundle_copy):
    path = bundle_copy.path / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["files"]["top.tflite"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="lacks top.tflite"):
        load_bundle(bundle_copy.path)


@pytest.mark.parametrize("name", ["../outside.tflite", "/etc/passwd"])
def test_the_manifest_cannot_name_files_elsewhere(bundle_copy, name):
    path = bundle_copy.path / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][name] = {"sha256": "", "bytes": 0}
    path.write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="not a plain file name"):
        load_bundle(bundle_copy.path)


@pytest.mark.parametrize("text", ["", "{", "\xff\xfe", "[" * 10**5])
def test_a_damaged_manifest_is_told(bundle_copy, text):
    (bundle_copy.path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match="manifest.json"):
        load_bundle(bundle_copy.path)


def test_what_is_no_bundle_is_told(tmp_path):
    with pytest.raises(UserError, match="no such bundle folder"):
        load_bundle(tmp_path / "none")
    with pytest.raises(UserError, match="is not a bundle: it has no manifest.json"):
        load_bundle(tmp_path)


def test_writing_replaces_an_older_bundle_and_leaves_nothing_beside(bundle_copy):
    (bundle_copy.path / "left_over.txt").write_text("of the older one")
    manifest = bundle_copy.manifest | {"num_patches": 2}
    written = write_bundle(bundle_copy.path, files_of(bundle_copy), manifest)
    assert load_bundle(bundle_copy.path).manifest["num_patches"] == 2
    assert sorted(os.listdir(written.path)) == sorted([*written.manifest["files"], "manifest.json"])
    assert os.listdir(bundle_copy.path.parent) == ["bundle"]


def test_writing_never_replaces_something_else(bundle_copy, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_text("dear")
    with pytest.raises(UserError, match="not a bundle and not empty"):
        write_bundle(tmp_path / "photos", files_of(bundle_copy), bundle_copy.manifest)
    with pytest.raises(UserError, match="is not a folder"):
        check_destination(tmp_path / "photos" / "me.jpg")
    assert (tmp_path / "photos" / "me.jpg").read_text() == "dear"


def test_a_failure_in_writing_leaves_the_older_bundle(bundle_copy, monkeypatch):
    def fail(path, content):
        raise OSError("disk full")

    files = files_of(bundle_copy)
    monkeypatch.setattr(bundle_module, "_write_synced", fail)
    with pytest.raises(UserError, match="disk full"):
        write_bundle(bundle_copy.path, files, bundle_copy.manifest | {"num_patches": 2})
    assert load_bundle(bundle_copy.path).manifest["num_patches"] == 3
    assert os.listdir(bundle_copy.path.parent) == ["bundle"]


def test_check_prints_the_card(case, capsys):
    main(["check", str(case.ptq.path)])
    printed = capsys.readouterr().out
    assert printed == card(case.ptq) + "\n"
    assert case.ptq.manifest["name"] in printed
    assert "ptq" in printed


@pytest.mark.parametrize("arguments", [["check", "/nowhere"], ["check"], ["make", "x"], []])
def test_wrong_arguments_are_one_line_and_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit_info:
        run_main(main, arguments)
    assert exit_info.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
