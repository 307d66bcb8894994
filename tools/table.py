"""Tables for a screen and for Markdown files."""

from tabulate import tabulate

SCREEN, MARKDOWN = "simple", "pipe"


def table(head, rows, style: str = SCREEN) -> str:
    """Returns a table of texts or whole numbers, the first column aligned to the left; None is an empty cell."""
    return tabulate(rows, head, style, disable_numparse=True, stralign="right", colalign=("left",))
