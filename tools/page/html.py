"""One HTML page that needs nothing else: no script, and no font, style or image of another place.

Text becomes `Markup` by `Markup("...{}...").format(text)`, which escapes it; what is no `Markup` yet is escaped on the
way in.
"""

from pathlib import Path

from markupsafe import Markup

STYLE = Path(__file__).with_name("report.css")
# A browser that keeps to it loads nothing, whatever a label or a path may hold.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, head: Markup, sections: list[tuple[str, Markup]]) -> str:
    """Returns the page.

    Args:
        title: of the window.
        head: what stands above the sections.
        sections: (heading, content).
    """
    links = joined(Markup('<a href="#s{}">{}</a>').format(i, name) for i, (name, _) in enumerate(sections))
    body = joined(
        Markup('<section id="s{}">\n<h2>{}</h2>\n{}</section>\n').format(i, name, content)
        for i, (name, content) in enumerate(sections)
    )
    style = Markup(STYLE.read_text(encoding="utf-8"))
    html = Markup(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="{}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<title>{}</title>\n<style>\n{}</style>\n</head>\n'
        "<body>\n<header>\n{}</header>\n<nav>{}</nav>\n<main>\n{}</main>\n</body>\n</html>\n"
    )
    return str(html.format(POLICY, title, style, head, links, body))


def joined(parts) -> Markup:
    """Returns texts one after the other."""
    return Markup("").join(parts)


def paragraph(text, kind: str = "") -> Markup:
    """Returns a paragraph; `kind` is its class."""
    return Markup('<p class="{}">{}</p>\n').format(kind, text) if kind else Markup("<p>{}</p>\n").format(text)


def bullets(lines) -> Markup:
    """Returns a list; nothing where there are no lines."""
    lines = list(lines)
    if not lines:
        return Markup("")
    return Markup("<ul>\n{}</ul>\n").format(joined(Markup("<li>{}</li>\n").format(line) for line in lines))


def table(caption: str, header, rows, kind: str = "") -> Markup:
    """Returns a table that scrolls in a box of its own where it is wide.

    Args:
        caption: what it is; stands above the box.
        header: texts of the columns.
        rows: of cells; the first one heads its row, None is an empty one, and `Markup` of a whole <td> stays as it is.
        kind: its class.
    """
    head = joined(Markup('<th scope="col">{}</th>').format(text) for text in header)
    body = joined(
        Markup('<tr><th scope="row"><span>{}</span></th>{}</tr>\n').format(name, joined(map(_cell, cells)))
        for name, *cells in rows
    )
    return Markup(
        '<figure class="table {0}">\n<figcaption>{1}</figcaption>\n'
        '<div class="scroll" tabindex="0" role="region" aria-label="{1}">\n<table>\n'
        "<thead><tr>{2}</tr></thead>\n<tbody>\n{3}</tbody>\n</table>\n</div>\n</figure>\n"
    ).format(kind, caption, head, body)


def _cell(content) -> Markup:
    if isinstance(content, Markup) and content.startswith("<td"):
        return content
    return Markup("<td>{}</td>").format("" if content is None else content)


def shaded(content, strength: float, kind: str) -> Markup:
    """Returns a cell of a table on a ground of a strength in [0, 1] and a kind, 'good' or 'bad' or 'bar'."""
    return Markup('<td class="{}" style="--strength:{:.3f}">{}</td>').format(kind, strength, content)


def code(text: str) -> Markup:
    """Returns a command, on a line of its own that scrolls."""
    return Markup('<pre tabindex="0"><code>{}</code></pre>\n').format(text)


def side_by_side(parts, kind: str = "plots") -> Markup:
    """Returns parts beside each other as far as there is room."""
    return Markup('<div class="{}">\n{}</div>\n').format(kind, joined(parts))
