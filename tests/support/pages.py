"""Reads pages as tests look at them: tables as texts, and everything that a browser would load."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

EMPTY = ("meta", "image", "use", "rect", "path", "br", "link", "img", "circle")  # need no end
LOADING = ("src", "href", "xlink:href", "data", "action", "srcset", "poster", "background", "formaction")


@dataclass
class Page(HTMLParser):
    """What stands in a page.

    Attributes:
        tables: caption -> name of the row -> texts of its other cells.
        loads: what its elements refer to.
        tags: names of all elements.
        text: all of it but the style.
        unclosed: elements that begin and never end.
    """

    html: str
    tables: dict = field(default_factory=dict)
    loads: list = field(default_factory=list)
    tags: list = field(default_factory=list)
    text: str = ""
    unclosed: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self._caption, self._row, self._cells = "", None, None
        self.html = str(self.html)  # not Markup, which would escape what is joined to it
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.loads += [value for name, value in attributes if name in LOADING]
        if tag not in EMPTY:
            self.unclosed.append(tag)
        if tag == "figcaption":
            self._caption = ""
        elif tag == "table":
            self.tables[self._caption] = {}
        elif tag == "tr":
            self._cells = []
        elif tag in ("th", "td"):
            self._cells.append("")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.unclosed = self.unclosed[:-1] if tag not in EMPTY else self.unclosed

    def handle_endtag(self, tag):
        if tag in EMPTY:
            return
        assert self.unclosed.pop() == tag
        if tag == "tr":
            name, *cells = self._cells
            list(self.tables.values())[-1][name] = cells

    def handle_data(self, data):
        self.text += data if self.unclosed[-1:] != ["style"] else ""
        if self.unclosed and self.unclosed[-1] == "figcaption":
            self._caption += data
        elif self._cells and {"th", "td"} & set(self.unclosed):
            self._cells[-1] += data

    def table(self, beginning):
        """Returns the table whose caption begins so."""
        return next(rows for caption, rows in self.tables.items() if caption.startswith(beginning))
