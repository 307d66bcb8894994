import logging
import os
import time

import numpy as np
import pytest

from train.data.rendering import cache

ARRAYS = {"pixels": np.arange(3000, dtype=np.uint8), "boxes": np.ones((2, 4), np.float32)}


def old(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_what_is_written_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "FOLDER", tmp_path / "new")
    path = cache.path_of("crops_test", 5, (8, 16))
    assert path.name.startswith("street_numbers_crops_test_")
    assert cache.read(path) is None
    cache.write(path, ARRAYS)
    read = cache.read(path)
    assert read.keys() == ARRAYS.keys()
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(read[name], values)
    assert os.listdir(path.parent) == [path.name]


def test_other_facts_or_packages_give_another_name(monkeypatch):
    names = {cache.path_of("crops", *facts) for facts in ((5, 1.0), (6, 1.0), (5, 2.0))}
    monkeypatch.setattr(cache, "packages", lambda: {"pillow": "0"})
    names.add(cache.path_of("crops", 5, 1.0))
    assert len(names) == 4


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: _flipped(data)])
def test_a_damaged_file_counts_as_none(tmp_path, damage):
    path = tmp_path / "street_numbers_x.npz"
    cache.write(path, ARRAYS)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.read(path) is None


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 3
    return data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    cache.log.addHandler(handler)
    cache.write(tmp_path / "file" / "street_numbers_x.npz", ARRAYS)
    cache.log.removeHandler(handler)
    assert len(messages) == 1
    assert "can't be kept" in messages[0]


def test_the_longest_unused_go_beyond_the_limit_and_nothing_else(tmp_path):
    for i in range(5):  # 0 was used last
        file = tmp_path / f"street_numbers_{i}.npz"
        file.write_bytes(bytes(100))
        old(file, cache.IN_USE + 1000 * (1 + i))
    for name in ("street_numbers_cut.1.partial.npz", "other.npz"):
        (tmp_path / name).write_bytes(bytes(10))
        old(tmp_path / name, 10 * cache.IN_USE)
    cache.drop_old(tmp_path, limit=250)
    assert sorted(os.listdir(tmp_path)) == ["other.npz", "street_numbers_0.npz", "street_numbers_1.npz"]


def test_reading_counts_as_use_and_what_is_in_use_stays(tmp_path):
    first, second = tmp_path / "street_numbers_1.npz", tmp_path / "street_numbers_2.npz"
    for path in (first, second):
        cache.write(path, ARRAYS)
    running = tmp_path / "street_numbers_other_run.1.partial.npz"
    running.write_bytes(b"")
    for path in (first, second):
        old(path, 2 * cache.IN_USE)
    cache.read(first)
    cache.drop_old(tmp_path, limit=1)
    assert set(tmp_path.iterdir()) == {first, running}


def test_writing_drops_the_old(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "LIMIT", 4000)
    first, second = tmp_path / "street_numbers_1.npz", tmp_path / "street_numbers_2.npz"
    cache.write(first, ARRAYS)
    old(first, 2 * cache.IN_USE)
    cache.write(second, ARRAYS)
    assert list(tmp_path.iterdir()) == [second]


def test_another_run_may_delete_at_the_same_time(tmp_path, monkeypatch):
    file = tmp_path / "street_numbers_1.npz"
    file.write_bytes(bytes(100))
    old(file, 2 * cache.IN_USE)
    gone = tmp_path / "street_numbers_2.npz"
    monkeypatch.setattr(cache.Path, "glob", lambda *_: iter([gone, file]))
    cache.drop_old(tmp_path, limit=1)
    assert not file.exists()
