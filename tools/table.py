"""Tables for a screen and for Markdown files."""

from tabulate import tabulate

SCREEN, MARKDOWN = "simple", "pipe"


def table(head, rows, style: str = SCREEN) -> str:
    """Returns a table whose first column is aligned to the left, and the others to the right.

    Args:
        rows: of texts or whole numbers, which stay as they are; None is an empty cell.
        style: `SCREEN` or `MARKDOWN`.
    """
    return tabulate(rows, head, style, disable_numparse=True, stralign="right", colalign=("left",))
