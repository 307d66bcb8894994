"""Tables of how sure errors are: intervals, and comparisons with the fine model on the same images."""

from tools.findings.house_number_tables import labelled
from tools.findings.runs import inside

HEADER = [
    "",
    "error, %",
    "95 % interval",
    "less fine, points",
    "95 % interval",
    "wrong alone: it / fine",
    "McNemar's p",
]


def interval_table(result: dict) -> tuple[list[str], list[tuple]]:
    """Returns the header and the rows of one test: each row's error and interval, and how it compares with fine.

    Args:
        result: of a test, with `interval` and perhaps `against_fine`.
    """
    rows = []
    for label, *keys in labelled(result["interval"]):
        cells = [f"{inside(result['error'], keys):.2f}", between(inside(result["interval"], keys))]
        rows.append((label, *cells, *compared(inside(result.get("against_fine"), keys))))
    return HEADER, rows


def between(interval) -> str:
    """Returns an interval as a table has it."""
    return "{:.2f} to {:.2f}".format(*interval)


def compared(found: dict | None) -> list[str | None]:
    """Returns the cells of a paired comparison, empty ones where there is none."""
    if not found:
        return [None] * 4
    alone = f"{found['ours_alone']} / {found['theirs_alone']}"
    p = "< 0.001" if found["p"] < 0.001 else f"{found['p']:.3f}"
    return [f"{found['difference']:+.2f}", between(found["interval"]), alone, p]
