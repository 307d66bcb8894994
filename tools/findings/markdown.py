"""Tables and lists of RESULTS.md."""

from tools.table import MARKDOWN
from tools.table import table as any_table


def table(header, rows) -> str:
    """Returns a table. Cells are text, None for an empty one; rows that are empty but for their name are left out."""
    rows = [row for row in rows if any(cell is not None for cell in row[1:])]
    return any_table(header, rows, MARKDOWN) + "\n"


def bullets(lines) -> str:
    """Returns a list."""
    return "".join(f"- {line}\n" for line in lines)
