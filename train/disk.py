"""A full disk: found among the errors of any library, and told with how much is missing."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from train.errors import TrainingError

FULL = (errno.ENOSPC, errno.EDQUOT)
IN_WORDS = tuple(os.strerror(number) for number in FULL)  # TensorFlow and HDF5 keep no more than the text


class DiskFullError(TrainingError):
    """There is no room for a file. The message says which, and how much is missing."""


def is_full(error: BaseException | None) -> bool:
    """Returns whether a full disk is what an error says, or what it came from."""
    while error is not None:
        number = getattr(error, "errno", None)
        if number in FULL or any(words in str(error) for words in IN_WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def room_for(path: Path, size: int | None = None) -> Iterator[None]:
    """Writes `path` in a `with` block, and raises DiskFullError where there is no room for it.

    Args:
        path: of the file; its folder is there.
        size: of it in bytes, at least, if known. Where so much is not free, nothing is begun.
    """
    if size and shutil.disk_usage(path.parent).free < size:
        raise DiskFullError(explained(path, size))
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        if not is_full(error):
            raise
        raise DiskFullError(explained(path, size)) from error


def explained(path: Path, size: int | None = None) -> str:
    """Returns what is to be said of a file that there is no room for."""
    folder = next(parent for parent in Path(path).absolute().parents if parent.exists())
    free = shutil.disk_usage(folder).free
    if size is None:
        return f"the disk is full: {path} can't be written, {in_words(free)} are free; make room"
    needed = f"it takes {in_words(size)}, {in_words(free)} are free"
    if size > free:
        return f"the disk is full: {path} can't be written, {needed}, {in_words(size - free)} are missing; make room"
    return f"the disk is full, or a limit on it is reached: {path} can't be written, {needed}; make room"


def in_words(size: int) -> str:
    """Returns a number of bytes in the unit that fits, rounded up."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{-(-size * 10 // unit) / 10:.1f} {name}"
    return f"{-(-size // 1000)} kB"
