"""Tables for a screen or a file, and files that are written whole or not at all."""

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


def check_destination(path, option: str = "--report") -> None:
    """Raises UserError where a file cannot be written: `path`, unless None, is a folder, or lies below a file."""
    if path and (Path(path).is_dir() or any(parent.is_file() for parent in Path(path).parents)):
        raise UserError(f"{option}={path} is a folder, or lies below a file; name another file")


def write(path, content: str | bytes) -> None:
    """Writes a file, beside its place first; UserError where it cannot be written."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {one_line(error)}; name another file") from None
    finally:
        partial.unlink(missing_ok=True)
