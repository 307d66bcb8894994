import logging
import threading

import pytest

from train import files
from train.progress import log


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    files.write_text(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_made_and_files_replaced(tmp_path):
    path = tmp_path / "a" / "b.txt"
    files.write_text(path, "one")
    files.write_text(path, "two")
    assert path.read_text() == "two"


def test_two_writers_of_one_file_do_not_write_into_each_other(tmp_path, monkeypatch):
    path = tmp_path / "set.npz"
    with files.replacing(path) as first:
        first.write_bytes(b"first")
        monkeypatch.setattr(files.os, "getpid", lambda: 1)
        with files.replacing(path) as second:
            second.write_bytes(b"second")
        assert path.read_bytes() == b"second"
        assert {first.suffix, second.suffix} == {".npz"}
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_one_process_at_a_time_makes_a_file(tmp_path):
    """The second one waits, says so, and goes on when the first is done."""
    path, order = tmp_path / "a", []
    log.setLevel(logging.INFO)
    waits = threading.Event()
    handler = logging.Handler()
    handler.emit = lambda record: (order.append(record.getMessage()), waits.set())
    log.addHandler(handler)

    def second():
        with files.locked(path):
            order.append("second")

    with files.locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(20)
        order.append("first")
    thread.join(20)
    log.removeHandler(handler)
    assert order == [f"another process makes {path}; waiting for it", "first", "second"]
