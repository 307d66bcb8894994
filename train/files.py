"""Files that appear whole or not at all, and are written by one process at a time where that matters."""

import contextlib
import errno
import hashlib
import os
import platform
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from train.disk import room_for
from train.errors import UserError
from train.progress import log

BLOCK = 1 << 20
LONGEST_NAME = 200  # bytes of a file's name, which gets longer while it is written; it may have 255
PARTIAL = ".partial"  # in the name of what is being written
LEFTOVER = re.compile(r".+\.[0-9a-f]+\.partial(\.\w+)?")  # the name of what an interrupted process was writing
HOLDER = ".holder"  # behind the name of a lock: the file that says who has it


class HeldError(Exception):
    """Another process holds a lock. The message names it."""


@contextmanager
def replacing(path: Path, size: int | None = None) -> Iterator[Path]:
    """Gives a path to write to; what was written there replaces `path` when the block ends without an error.

    The path has the suffix of `path`, and is its own for every call, so that many can write one file at a time. The
    folder is made. After an error nothing is left, and `path` is as it was.

    Raises:
        DiskFullError: there is no room for it.
        OSError: `path` is a device or a pipe.
    """
    if is_special(path):
        raise OSError(errno.EINVAL, "it is a device or a pipe", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.{uuid.uuid4().hex}{PARTIAL}{path.suffix}")
    try:
        with room_for(path, size):
            yield partial
            sync(partial)
            os.replace(partial, path)
            sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def is_special(path: Path) -> bool:
    """Returns whether there is something of that name that is neither a file nor a folder: a device, or a pipe."""
    return path.exists() and not path.is_file() and not path.is_dir()


def check_writable(path: Path, flag: str):
    """Raises UserError where no file can be written under `path`, so that it is told before the work."""
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if path.is_dir() or not above.is_dir():
        raise UserError(f"{flag} must name a file. Received: {path}, which is a folder, or lies below a file")
    if is_special(path):
        raise UserError(f"{flag} must name a file. Received: {path}, which is a device or a pipe")
    if not os.access(above, os.W_OK):
        raise UserError(f"{flag} must name a file that may be written. Received: {path}, and {above} may not")
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise UserError(f"{flag} must be a name of at most {LONGEST_NAME} bytes. Received: {path.name[:40]}...")


def sync(path: Path):
    """Waits until a file, or the names in a folder, are on the disk and survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Returns the checksum of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def unused(path: Path) -> Path:
    """Returns `path`, or where there is such a thing already, the first of `path`-2, `path`-3 and so on."""
    found, number = path, 1
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found


def write_bytes(path: Path, data: bytes):
    """Writes `data` under `path`, whole or not at all."""
    with replacing(path, len(data)) as partial:
        partial.write_bytes(data)


def write_text(path: Path, text: str):
    """Writes `text` under `path`, whole or not at all."""
    write_bytes(path, text.encode())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lets one process at a time make `path`; another waits, and says for whom. The file `path`.lock stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(lock))
        except HeldError as error:
            log.info("%s makes %s; waiting for it", error, path)
            stack.enter_context(held(lock, timeout=-1))
        yield


@contextmanager
def held(lock: Path, timeout: float = 0) -> Iterator[None]:
    """Holds a lock, which is free again when the process ends, however it does; HeldError where another process has it.

    Args:
        lock: its file, which stays. Beside it stands who holds it.
        timeout: seconds to wait for it; -1 for as long as it takes.
    """
    file, holder = FileLock(lock), lock.with_name(lock.name + HOLDER)
    try:
        file.acquire(timeout=timeout)
    except Timeout:
        raise HeldError(_holder(holder)) from None
    try:
        with contextlib.suppress(OSError):  # a full disk: the lock holds without
            holder.write_text(f"{os.getpid()} {platform.node()} {time.strftime('%Y-%m-%d %H:%M:%S')}")
        yield
    finally:
        holder.unlink(missing_ok=True)
        file.release()


def _holder(path: Path) -> str:
    """Returns who holds a lock, in words."""
    try:
        number, machine, since = path.read_text().split(" ", 2)
    except (OSError, ValueError):  # it has only just taken it
        return "another process"
    return f"process {number} on {machine} (since {since})"
