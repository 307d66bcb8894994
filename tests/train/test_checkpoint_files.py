"""Checkpoints' files, with bytes in place of tensors: what TensorFlow writes is in `test_checkpoints`."""

import os
import subprocess
from pathlib import Path

import pytest

from train import checkpoint_files, files
from train.checkpoint_files import Saved, find, newest_whole, remove_leftovers, without_patterns, writing
from train.disk import DiskFullError
from train.errors import UserError

DATA = "data-00000-of-00001"


def save(folder, *steps):
    for step in steps:
        with writing(folder, step, size=10) as prefix:
            Path(f"{prefix}.index").write_bytes(b"index %d" % step)
            Path(f"{prefix}.{DATA}").write_bytes(b"data %d" % step)


def steps_of(folder):
    return [saved.step for saved in find(folder)]


def test_the_newest_two_are_kept_with_checksums_that_other_programs_read(tmp_path):
    save(tmp_path, 5, 10, 15)
    assert steps_of(tmp_path) == [15, 10]
    assert (tmp_path / "checkpoint").read_text().splitlines()[0] == 'model_checkpoint_path: "ckpt-15"'
    subprocess.run(["sha256sum", "--check", "--quiet", "ckpt-15.sha256"], cwd=tmp_path, check=True)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.parametrize("state", [None, b"", b'model_checkpoint_path: "ckpt-1', b"\xff" * 50])
def test_the_state_file_is_not_believed(tmp_path, state):
    save(tmp_path, 5, 10)
    (tmp_path / "checkpoint").unlink()
    if state is not None:
        (tmp_path / "checkpoint").write_bytes(state)
    assert newest_whole(tmp_path) == Saved(tmp_path, 10)


def truncated(path):
    path.write_bytes(path.read_bytes()[:3])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("part", ["index", DATA, "sha256"])
@pytest.mark.parametrize("damage", [truncated, flipped, Path.unlink, lambda path: path.write_bytes(b"")])
def test_the_one_before_takes_the_place_of_a_damaged_one_which_is_kept_aside(tmp_path, caplog, part, damage):
    save(tmp_path, 5, 10)
    damage(tmp_path / f"ckpt-10.{part}")
    there = {path.name: path.read_bytes() for path in Saved(tmp_path, 10).files()}
    assert newest_whole(tmp_path) == Saved(tmp_path, 5)
    aside = tmp_path / "damaged-ckpt-10"
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == there
    assert [line for line in caplog.messages if "damaged" in line] == [
        line for line in caplog.messages if f"it is kept in {aside}, and ckpt-5 takes its place" in line
    ]
    save(tmp_path, 10)
    assert newest_whole(tmp_path) == Saved(tmp_path, 10)
    assert aside.exists()


def test_where_none_is_whole_nothing_is_moved_and_nothing_begins_again(tmp_path):
    save(tmp_path, 5, 10)
    flipped(tmp_path / "ckpt-5.index")
    truncated(tmp_path / f"ckpt-10.{DATA}")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(UserError, match=r"is whole \(ckpt-10: the checksum of .*; ckpt-5: .*\); .* give --restart"):
        newest_whole(tmp_path)
    assert sorted(os.listdir(tmp_path)) == before


def test_no_checkpoint_is_none(tmp_path):
    assert newest_whole(tmp_path / "nowhere") is None
    (tmp_path / "ckpt-3x.index").touch()
    assert newest_whole(tmp_path) is None


def test_two_that_are_damaged_at_one_step_are_both_kept(tmp_path):
    for number in ("damaged-ckpt-10", "damaged-ckpt-10-2"):
        save(tmp_path, 5, 10)
        flipped(tmp_path / "ckpt-10.index")
        newest_whole(tmp_path)
        assert (tmp_path / number / "ckpt-10.index").exists()


def half_written(prefix):
    Path(f"{prefix}.{DATA}").write_bytes(b"half")
    raise RuntimeError("ckpt-9_temp/part: No space left on device")  # as TensorFlow says it


def test_an_error_while_saving_leaves_what_was_there_and_nothing_else(tmp_path):
    save(tmp_path, 5)
    before = sorted(os.listdir(tmp_path))
    said = "the disk is full, .*ckpt-9 can't be written, it takes 1 kB"
    with pytest.raises(DiskFullError, match=said), writing(tmp_path, 9, size=10) as prefix:
        half_written(prefix)
    assert sorted(os.listdir(tmp_path)) == before


def test_everything_is_on_the_disk_before_it_has_its_name_and_the_names_after(tmp_path, monkeypatch):
    order, rename = [], Path.replace
    monkeypatch.setattr(checkpoint_files.files, "sync", lambda path: order.append(f"sync {Path(path).name}"))
    monkeypatch.setattr(Path, "replace", lambda path, to: (order.append(f"name {path.name}"), rename(path, to)))
    save(tmp_path, 5)
    names = [f"ckpt-5.{DATA}", "ckpt-5.index", "ckpt-5.sha256"]
    done = [*(f"sync {name}" for name in names), *(f"name {name}" for name in names), f"sync {tmp_path.name}"]
    assert order[:7] == done


def test_what_interrupted_saving_left_is_removed_and_nothing_else(tmp_path):
    save(tmp_path, 5)
    (tmp_path / "damaged-ckpt-3").mkdir()
    before = sorted(os.listdir(tmp_path))
    (tmp_path / "ckpt-9_temp").mkdir()
    (tmp_path / "ckpt-9_temp" / "part-00000-of-00001.index").touch()
    (tmp_path / ".tmp-abc").mkdir()
    for name in ("checkpoint.tmp0123", "ckpt-9.index.tempstate123", ".tmp12", f"checkpoint.0af{files.PARTIAL}"):
        (tmp_path / name).touch()
    assert remove_leftovers(tmp_path) == 6
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("name", ["x=[1]", "a*", "b?", "c\\d"])
def test_a_folder_with_signs_of_patterns_in_its_name_has_a_path_without(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "in it").touch()
    with without_patterns(folder) as plain:
        assert not set(plain) & set("*?[]\\")
        assert os.listdir(plain) == ["in it"]
    assert not os.path.lexists(plain)
    assert os.listdir(folder) == ["in it"]
