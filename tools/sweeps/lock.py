"""The lock of a sweep: two of them at a time would begin each other's runs."""

import contextlib
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from edge.errors import UserError

LOCK, HOLDER = ".sweep.lock", ".sweep.holder"


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the folder of a sweep's workdirs within a `with` block; UserError, with its name, if a process does."""
    folder.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(folder / LOCK), folder / HOLDER
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"{_said(holder)} sweeps in {folder}; wait for it, or stop it. --list says how far it is"
        ) from None
    try:
        holder.write_text(f"process {os.getpid()} on {platform.node()} (since {time.strftime('%Y-%m-%d %H:%M:%S')})")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _said(holder: Path) -> str:
    with contextlib.suppress(OSError):
        return holder.read_text() or "another process"
    return "another process"
