"""Output of programs: tables for a screen or a file, and files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import UserError, one_line


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
    """Raises UserError where a file cannot be written: `path`, unless None, is a folder, or lies below a file."""
    if path and (Path(path).is_dir() or any(parent.is_file() for parent in Path(path).parents)):
        raise UserError(f"{option}={path} is a folder, or lies below a file; name another file")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a path to write to; what was written there replaces `path` when the block ends without an error."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield fresh
        with open(fresh, "rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def write(path, content: str | bytes) -> None:
    """Writes a file, whole or not at all, and its folder; UserError where it cannot be written."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as fresh:
            fresh.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {one_line(error)}; name another file") from None
