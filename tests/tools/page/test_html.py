from markupsafe import Markup
from pages import Page

from tools.page.html import bullets, code, page, shaded, table


def test_cells_are_escaped_and_empty_where_there_is_nothing():
    html = table("<i>", ["", "<a>"], [("<b>", "<c>"), ("d", None), ("e", shaded(3, 0.25, "bad"))])
    assert Page(html).tables == {"<i>": {"": ["<a>"], "<b>": ["<c>"], "d": [""], "e": ["3"]}}
    assert set(Page(html).tags) == {"figure", "figcaption", "div", "table", "thead", "tbody", "tr", "th", "td", "span"}
    assert '<td class="bad" style="--strength:0.250">3</td>' in html


def test_a_page_has_a_link_to_every_section():
    html = page("<title>", Markup("<h1>x</h1>"), [("A & B", bullets(["<one>"])), ("C", code("a < b"))])
    found = Page(html)
    assert found.loads == ["#s0", "#s1"]
    assert '<section id="s1">\n<h2>C</h2>' in html
    assert "<title>&lt;title&gt;</title>" in html
    assert found.unclosed == []
    assert found.text.count("A & B") == 2
    assert "default-src &#39;none&#39;" in html
