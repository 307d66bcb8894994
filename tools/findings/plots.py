"""Plots, drawn by matplotlib as SVG. Each says in its file what figures it was drawn from."""

import functools
import hashlib
import io
import json
from dataclasses import asdict, dataclass

MARKERS = {"line": "o-", "published": "s--", "curve": "-", "reference": "--"}
SIZE = (7, 4.5)  # inches
MANY = 5  # series, above which the legend stands beside the axes
FEW = 20  # how many times the lowest figure the highest is, from which on a logarithmic axis has ticks of powers


@dataclass(frozen=True)
class Series:
    """One line of a plot, or one point.

    Attributes:
        kind: 'line' (with a marker at each figure), 'published' (broken), 'curve' or 'reference' (both without markers,
            the second broken).
        spread: of y; None where there is none.
    """

    label: str
    kind: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    spread: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Plot:
    """A plot; scales are 'linear' or 'log', and the ticks of a logarithmic x stand at powers of 2."""

    title: str
    xlabel: str
    ylabel: str
    series: tuple[Series, ...]
    xscale: str = "linear"
    yscale: str = "linear"

    @property
    def digest(self) -> str:
        """A checksum of all that it shows: the same in every version of matplotlib, which the picture is not."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def words(self) -> str:
        """What it shows, for who cannot see it."""
        return f"{self.title}: {self.ylabel} against {self.xlabel}, for {', '.join(s.label for s in self.series)}"


@functools.cache
def as_svg(plot: Plot, size: tuple[float, float] = SIZE) -> str:
    """Returns the picture, `size` inches wide and high; the same plot gives the same text."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": plot.title, "svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(size)
        axes = figure.subplots()
        for series in plot.series:
            axes.errorbar(series.x, series.y, series.spread, fmt=MARKERS[series.kind], label=series.label, capsize=3)
        axes.set(title=plot.title, xlabel=plot.xlabel, ylabel=plot.ylabel)
        if plot.xscale == "log":
            _powers_of_two(axes, max(max(series.x) for series in plot.series))
        if plot.yscale == "log":
            _logarithmic(axes, [value for series in plot.series for value in series.y])
        axes.grid(alpha=0.3)
        beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)} if len(plot.series) > MANY else {}
        axes.legend(fontsize="small", **beside)
        file = io.StringIO()
        figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None, "Description": plot.digest})
    return file.getvalue()


def _powers_of_two(axes, highest: float):
    axes.set_xscale("log", base=2)
    axes.set_xticks([2**power for power in range(20) if 2**power <= highest])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()


def _logarithmic(axes, values: list[float]):
    """Makes y logarithmic, but where a figure is not above 0; figures close to each other have ticks as usual."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    low, high = min(values), max(values)
    if low <= 0:
        return
    axes.set_yscale("log")
    axes.minorticks_off()
    several = (1.0, 2.0, 5.0) if high < FEW**2 * low else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=several) if high > FEW * low else MaxNLocator(5))
    axes.yaxis.set_major_formatter("{x:g}")


def shows(svg: str, plot: Plot) -> bool:
    """Returns whether a picture is of this plot."""
    return plot.digest in svg
