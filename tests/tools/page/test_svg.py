import re
from xml.etree import ElementTree

import pytest

from tools.findings.plots import Plot, Series
from tools.page.svg import Axis, as_svg, figure


def test_a_linear_axis_begins_at_zero():
    axis = Axis([2.0, 8.0], "linear", 100, 200)
    assert axis(0) == 100
    assert axis(8) == pytest.approx(100 + 100 / 1.04)
    assert axis.ticks == [0, 2, 4, 6, 8]


def test_a_logarithmic_axis_has_powers_of_two_or_of_ten():
    patches = Axis([1, 32], "log", 0, 100, powers=True)
    assert patches.ticks == [1, 2, 4, 8, 16, 32]
    assert patches(8) - patches(4) == pytest.approx(patches(2) - patches(1))
    assert Axis([0.1, 10], "log", 100, 0).ticks == pytest.approx([0.1, 0.2, 0.5, 1, 2, 5, 10])
    assert Axis([0.001, 10], "log", 100, 0).ticks == pytest.approx([0.001, 0.01, 0.1, 1, 10])
    assert Axis([84, 91], "log", 100, 0).ticks == [84, 86, 88, 90, 92]


@pytest.mark.parametrize("values", [[0.0], [0.0, 5.0], [3.0], [7.0, 7.0]])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_whatever_the_figures_they_lie_on_the_axis(values, scale):
    axis = Axis(values, scale, 0, 100)
    assert all(0 <= axis(value) <= 100 for value in values)


def test_a_picture_is_well_formed_and_marks_lie_on_the_line():
    series = (Series("a < b", "line", (1, 2), (4.0, 2.0)), Series("c", "curve", (1, 2), (1.0, 1.0)))
    svg = as_svg(Plot("A & B", "patches", "error, %", series))
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == "A & B: error, % against patches, for a < b, c"
    lines = [group for group in root if group.get("class", "").startswith("series")]
    path, *marks = lines[0]
    places = re.findall(r"[\d.]+ [\d.]+", path.get("d"))
    assert len(places) == len(marks) == 2
    assert all(mark.get("d").startswith(f"M{place}m") for mark, place in zip(marks, places))
    assert marks[1][0].text == "a < b: 2 patches, 2 error, %"
    assert len(lines[1]) == 1


def test_the_legend_names_every_series():
    html = figure(
        Plot("A", "x", "y", (Series("<one>", "line", (1,), (1,)), Series("two", "reference", (0, 1), (0, 1))))
    )
    assert "&lt;one&gt;</li>" in html
    assert '<g class="series reference"><path d="M1 5H25"/></g></svg>two</li>' in html
