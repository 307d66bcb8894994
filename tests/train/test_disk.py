import collections

import pytest

from train import disk
from train.disk import DiskFullError, in_words, is_full, room_for

Usage = collections.namedtuple("Usage", "total used free")


@pytest.fixture
def free(monkeypatch):
    """Returns a function that says how much of the disk is free."""
    return lambda size: monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: Usage(10**12, 0, size))


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(28, "No space left on device"), True),
        (OSError(122, "Disk quota exceeded"), True),
        (RuntimeError("events.v2: No space left on device [Op:Flush]"), True),
        (OSError(13, "Permission denied"), False),
        (ValueError("no space left"), False),
    ],
)
def test_a_full_disk_is_found_whatever_library_says_it(error, full):
    assert is_full(error) is full
    outer = ValueError("can't save")
    outer.__cause__ = error
    assert is_full(outer) is full


def test_what_does_not_fit_is_not_begun_and_how_much_is_missing_is_said(tmp_path, free):
    free(1_500_000)
    said = r"a can't be written, it takes 4.0 MB, 1.5 MB are free, 2.5 MB are missing"
    with pytest.raises(DiskFullError, match=said), room_for(tmp_path / "a", 4_000_000):
        raise AssertionError("begun")
    with room_for(tmp_path / "a", 1_000_000):
        pass


def test_other_errors_pass(tmp_path):
    with pytest.raises(KeyError), room_for(tmp_path / "a"):
        raise KeyError


def test_a_file_of_unknown_size_is_told_with_what_is_free(tmp_path, free):
    free(999)
    said = r"^the disk is full: .*/x can't be written, 1 kB are free; make room$"
    with pytest.raises(DiskFullError, match=said), room_for(tmp_path / "x"):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("size", "text"), [(0, "0 kB"), (1, "1 kB"), (2_040_000, "2.1 MB"), (3 * 10**9, "3.0 GB")])
def test_sizes_in_words(size, text):
    assert in_words(size) == text
