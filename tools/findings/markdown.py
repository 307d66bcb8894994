"""Tables in Markdown."""


def table(header, rows) -> str:
    """Returns a table. Cells are text, None for an empty one; rows that are empty but for their name are left out."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for name, *cells in rows:
        if any(cell is not None for cell in cells):
            lines.append("| " + " | ".join([name, *(cell or "" for cell in cells)]) + " |")
    return "\n".join(lines) + "\n"


def bullets(lines) -> str:
    """Returns a list."""
    return "".join(f"- {line}\n" for line in lines)
