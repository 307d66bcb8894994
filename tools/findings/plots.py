"""The pictures of RESULTS.md, drawn by matplotlib as SVG. Each says in its file what figures it was drawn from."""

import hashlib
import io
import json
from dataclasses import asdict, dataclass

MARKERS = {"line": "o-", "published": "s--", "curve": "-", "reference": "--"}


@dataclass(frozen=True)
class Series:
    """One line of a plot, or one point.

    Attributes:
        label: what it is.
        kind: 'line' (with a marker at each figure), 'published' (broken), 'curve' or 'reference' (both without markers,
            the second broken).
        x, y: the figures.
        spread: of y; None where there is none.
    """

    label: str
    kind: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    spread: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Plot:
    """A plot.

    Attributes:
        title, xlabel, ylabel: texts.
        series: what is drawn.
        xscale, yscale: 'linear' or 'log'; ticks of a logarithmic x stand at powers of 2.
    """

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


def as_svg(plot: Plot) -> str:
    """Returns the picture; the same plot gives the same text."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = plot.title
    from matplotlib import pyplot
    from matplotlib.ticker import ScalarFormatter

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for series in plot.series:
        axes.errorbar(series.x, series.y, series.spread, fmt=MARKERS[series.kind], label=series.label, capsize=3)
    axes.set(title=plot.title, xlabel=plot.xlabel, ylabel=plot.ylabel, xscale=plot.xscale, yscale=plot.yscale)
    if plot.xscale == "log":
        highest = max(max(series.x) for series in plot.series)
        axes.set_xticks([2**power for power in range(20) if 2**power <= highest])
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None, "Description": plot.digest})
    pyplot.close(figure)
    return file.getvalue()


def shows(svg: str, plot: Plot) -> bool:
    """Returns whether a picture is of this plot."""
    return plot.digest in svg
