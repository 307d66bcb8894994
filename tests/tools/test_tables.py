import re
from pathlib import Path

import pytest

from edge.errors import WorkError
from tools import tables

ROOT = Path(__file__).parents[2]


def test_what_was_written_is_checked_and_what_changed_is_stale(results, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "RESULTS.md"
    with pytest.raises(WorkError, match=r"RESULTS.md, .*distance.svg is not what .* python -m tools.tables"):
        tables.check(results, out)
    tables.make(results, out)
    tables.check(results, out)
    first = {path: path.read_bytes() for path in (results / "plots").iterdir()}
    tables.make(results, out)
    assert first == {path: path.read_bytes() for path in (results / "plots").iterdir()}
    curve = results / "cluttered_mnist" / "dcn_hint_seed0" / "curves.csv"
    curve.write_text(curve.read_text().replace("4.0", "3.0"))
    with pytest.raises(WorkError, match=r"distance\.svg is not") as caught:
        tables.check(results, out)
    assert "RESULTS.md" not in str(caught.value)


def test_this_projects_results_md_is_what_its_results_give():
    tables.check(ROOT / "results", ROOT / "RESULTS.md")


def test_every_figure_of_results_md_that_has_decimals_stands_in_a_file(results):
    """No error in the text was typed by hand: without results, only what was published is left."""
    for path in results.glob("**/result.json"):
        path.unlink()
    texts, drawn = tables.render(results)
    text = "\n".join(texts.values())
    assert not drawn
    published = (results / "published.json").read_text()
    numbers = {number.rstrip("0") for number in re.findall(r"\d+\.\d+", published)}
    assert {number.rstrip("0") for number in re.findall(r"\d+\.\d+", text)} <= numbers
