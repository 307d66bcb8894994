"""Output of programs: tables for a screen or a file, and files that are written whole or not at all."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import FULL, UserError, WorkError, one_line

LONGEST_NAME = 200  # bytes of a file's name that its temporary name repeats; a name may have 255


def table(head, rows, numbers_from: int | None = None) -> str:
    """Returns a Markdown table, its columns aligned for a reader of plain text; to the right from one column on."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    right = [numbers_from is not None and i >= numbers_from for i in range(len(head))]
    lines = [
        "| " + " | ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right)) + " |"
        for row in cells
    ]
    rule = "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right))
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def check_writable(path, option: str = "--report") -> None:
    """Raises UserError where a file cannot be written: `path`, unless None, is a folder, or lies below what is none.

    A device or a pipe is refused too, for a file would take its place, and a folder that may not be written to.
    """
    if not path:
        return
    above = next(one for one in Path(path).absolute().parents if os.path.exists(one))
    if Path(path).is_dir() or not above.is_dir():
        raise UserError(f"{option}={path} is a folder, or lies below a file; name another file")
    if _is_special(path):
        raise UserError(f"{option}={path} is a device or a pipe, which a file would replace; name a file")
    if not os.access(above, os.W_OK):
        raise UserError(f"{option}={path}: the folder {above} may not be written to; name another file")


def check_apart(outputs: dict, inputs: dict) -> None:
    """Raises UserError where an output is an input, whose place it would take, or two outputs are one file.

    Args:
        outputs, inputs: option -> path of a file, or None.
    """
    taken = {os.path.realpath(path): option for option, path in inputs.items() if path}
    for option, path in outputs.items():
        if not path:
            continue
        other = taken.setdefault(os.path.realpath(path), option)
        if other != option:
            raise UserError(f"{option}={path} is the file of {other}, and would take its place; name another")


def files_in(folder, option: str) -> dict:
    """Returns the files that a bundle or a workdir is made of, for `check_apart`: what they are -> path.

    folder: which `option` names, or None; of a zip file, itself.
    """
    if not folder:
        return {}
    inside = (path for path in Path(folder).glob("*") if path.is_file())
    return {option: folder} | {f"{option}, {path.name}": path for path in inside}


def _is_special(path) -> bool:
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a path to write to; what was written there replaces `path` when the block ends without an error.

    OSError where `path` is a device or a pipe.
    """
    if _is_special(path):
        raise OSError(errno.EINVAL, "it is a device or a pipe", str(path))
    name = os.fsdecode(os.fsencode(path.name)[:LONGEST_NAME])
    fresh = path.with_name(f".{name}.{uuid.uuid4().hex}")  # for threads, and processes of other machines too
    try:
        yield fresh
        _sync(fresh)
        fresh.replace(path)
        _sync(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


def _sync(path: Path):
    """Waits until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refused(path: Path, error: OSError, size: int, remedy: str) -> UserError | WorkError:
    """Returns what is to be raised for `size` bytes that cannot be written: WorkError where the disk is full."""
    if error.errno not in FULL:
        return UserError(f"{path} cannot be written: {one_line(error)}; {remedy}")
    folder = next(parent for parent in Path(path).absolute().parents if parent.exists())
    missing = max(size - shutil.disk_usage(folder).free, 0)
    return WorkError(
        f"{path} cannot be written: the disk is full, {-(-size // 1000)} kB are needed and {-(-missing // 1000)} kB of "
        "them missing; what was there before is as it was. Make room"
    )


def write(path, content: str | bytes) -> None:
    """Writes a file, whole or not at all, and its folder; UserError where it cannot be, WorkError on a full disk.

    Where `path` is a link, the file that it leads to is replaced.
    """
    path = Path(os.path.realpath(path))
    if isinstance(content, str):  # which may name a file by bytes that are no text
        content = content.encode(errors="backslashreplace")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as fresh:
            fresh.write_bytes(content)
    except OSError as error:
        raise refused(path, error, len(content), "name another file") from None
