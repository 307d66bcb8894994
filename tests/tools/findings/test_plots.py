import dataclasses

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


def test_every_figure_counts_for_the_checksum(plot):
    changed = dataclasses.replace(plot.series[0], y=(2.0, 1.01))
    assert dataclasses.replace(plot, series=(changed, plot.series[1])).digest != plot.digest
    assert dataclasses.replace(plot, yscale="log").digest != plot.digest
