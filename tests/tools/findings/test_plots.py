import dataclasses
import re

import pytest

from tools.findings.plots import Plot, Series, as_svg, shows


@pytest.fixture
def plot():
    series = (Series("here", "line", (1, 8), (2.0, 1.0), (0.1, 0.2)), Series("paper", "published", (8,), (1.5,)))
    return Plot("error", "patches", "error, %", series, xscale="log")


def test_a_picture_knows_what_it_shows(plot):
    pytest.importorskip("matplotlib")
    svg = as_svg(plot)
    assert svg.count("<svg") == 1
    assert svg == as_svg(plot)
    assert shows(svg, plot)
    other = dataclasses.replace(plot, series=(plot.series[0],))
    assert not shows(svg, other)
    assert shows(as_svg(other), other)


def test_the_legend_of_many_lines_stands_beside_them(plot):
    pytest.importorskip("matplotlib")

    def width(lines):
        series = tuple(Series(f"line {i}", "line", (1, 8), (2.0, 1.0)) for i in range(lines))
        svg = as_svg(dataclasses.replace(plot, series=series))
        return float(re.search(r'<svg [^>]*width="([\d.]+)pt"', svg).group(1))

    assert width(5) == width(2)
    assert width(6) > width(5) + 40


def test_every_figure_counts_for_the_checksum(plot):
    changed = dataclasses.replace(plot.series[0], y=(2.0, 1.01))
    assert dataclasses.replace(plot, series=(changed, plot.series[1])).digest != plot.digest
    assert dataclasses.replace(plot, yscale="log").digest != plot.digest
