"""Files that appear whole or not at all, and are written by one process at a time where that matters."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from train.progress import log

PARTIAL = ".partial"  # in the name of what is being written


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a path to write to; what was written there replaces `path` when the block ends without an error.

    The path has the suffix of `path`, and this process's number, so that two of them can write one file at a time.
    The folder is made. After an error nothing is left, and `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.{os.getpid()}{PARTIAL}{path.suffix}")
    try:
        yield partial
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes):
    """Writes `data` under `path`, whole or not at all."""
    with replacing(path) as partial:
        partial.write_bytes(data)


def write_text(path: Path, text: str):
    """Writes `text` under `path`, whole or not at all."""
    write_bytes(path, text.encode())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lets one process at a time make `path`; another waits, and says so. The empty file `path`.lock stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("another process makes %s; waiting for it", path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
