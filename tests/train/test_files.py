import logging
import os
import platform
import re
import stat
import threading

import pytest

from train import files
from train.disk import DiskFullError
from train.errors import UserError
from train.progress import log


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    files.write_text(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(DiskFullError, match="the disk is full, .*: .*result.json can't be written, it takes 1 kB, "):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_pipe_is_not_replaced_and_told_before_the_work(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is a device or a pipe"):
        files.write_text(tmp_path / "pipe", "text")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "pipe" / "file", tmp_path / ("n" * 201)):
        with pytest.raises(UserError, match="--out must "):
            files.check_writable(path, "--out")
    files.check_writable(tmp_path / "new" / "file", "--out")


def test_folders_are_made_and_files_replaced(tmp_path):
    path = tmp_path / "a" / "b.txt"
    files.write_text(path, "one")
    files.write_text(path, "two")
    assert path.read_text() == "two"


def test_two_writers_of_one_file_do_not_write_into_each_other(tmp_path):
    path = tmp_path / "set.npz"
    with files.replacing(path) as first:
        first.write_bytes(b"first")
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
    said = (
        rf"process {os.getpid()} on {re.escape(platform.node())} \(since .*\) makes {re.escape(str(path))}; waiting .*"
    )
    assert re.fullmatch(said, order.pop(0))
    assert order == ["first", "second"]


def test_many_threads_write_one_file_and_none_fails(tmp_path):
    path, failed = tmp_path / "a.txt", []

    def write(number):
        try:
            for _ in range(20):
                files.write_text(path, f"{number}" * 100)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert path.read_text() in {f"{number}" * 100 for number in range(4)}
    assert list(tmp_path.iterdir()) == [path]


def test_file_and_folder_are_on_the_disk_before_and_after_the_name_changes(tmp_path, monkeypatch):
    order, replace = [], os.replace
    monkeypatch.setattr(files.os, "fsync", lambda descriptor: order.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    monkeypatch.setattr(files.os, "replace", lambda *paths: (order.append("renamed"), replace(*paths)))
    files.write_text(tmp_path / "a.txt", "a")
    assert order == [False, "renamed", True]


def test_a_lock_names_who_has_it_and_leaves_no_name_behind(tmp_path):
    lock = tmp_path / ".lock"
    with files.held(lock):
        with pytest.raises(files.HeldError, match=rf"process {os.getpid()} on .* \(since 20"), files.held(lock):
            pass
        assert (tmp_path / ".lock.holder").exists()
    with files.held(lock):
        pass
    assert not (tmp_path / ".lock.holder").exists()
