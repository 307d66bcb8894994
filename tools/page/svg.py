"""A `tools.findings.plots.Plot` as SVG for a page: its text is text, and its colours are the page's, light or dark."""

import math

from markupsafe import Markup
from matplotlib.ticker import LogLocator, MaxNLocator

from tools.findings.plots import Plot, Series
from tools.page.html import joined

WIDTH, HEIGHT = 380, 250  # units of the picture; a character is 12 high
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 40  # margins
ROOM = 1.04  # beyond the figures
FEW = 20  # how many times the lowest figure the highest is, from which on ticks of a logarithmic axis are far apart
COLOURS = 6  # --series-0 to --series-5 of the style
# Marks of a series, around their place: circle, square, diamond, triangle, the other triangle, cross.
MARKS = (
    "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
    "m-3.2 -3.2h6.4v6.4h-6.4z",
    "m0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z",
    "m0 -4.2l4.2 7.2h-8.4z",
    "m0 4.2l-4.2 -7.2h8.4z",
    "m-4 -1.2h2.8v-2.8h2.4v2.8h2.8v2.4h-2.8v2.8h-2.4v-2.8h-2.8z",
)


class Axis:
    """From figures to places on one axis.

    Args:
        values: all that are shown.
        scale: 'linear' (from 0 on) or 'log'.
        first, last: places of the lowest and the highest.
        powers: whether ticks of a logarithmic axis stand at powers of 2.
    """

    def __init__(self, values, scale: str, first: float, last: float, powers: bool = False):
        self.first, self.last = first, last
        self.log = scale == "log" and min(values) > 0
        low, high = min(values), max(values)
        if not self.log:
            low, high = min(0, low), high if high > 0 else 1
        self.low, self.high = (low / ROOM, high * ROOM) if self.log else (low, high + (ROOM - 1) * (high - low))
        if self.log and powers:
            ticks = [2**power for power in range(20)]
        elif high > FEW * low > 0:
            ticks = LogLocator(subs=(1, 2, 5) if high < FEW**2 * low else (1,)).tick_values(low, high)
        else:
            ticks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        self.ticks = [float(tick) for tick in ticks if self.low <= tick <= self.high]

    def __call__(self, value: float) -> float:
        """Returns the place of a figure."""
        low, high, value = map(math.log, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return self.first + (value - low) / (high - low) * (self.last - self.first)


def figure(plot: Plot) -> Markup:
    """Returns the plot with its title and its legend."""
    legend = joined(
        Markup('<li class="c{}"><svg viewBox="0 0 26 10" aria-hidden="true">{}</svg>{}</li>\n').format(
            i % COLOURS, _sample(series, i), series.label
        )
        for i, series in enumerate(plot.series)
    )
    return Markup(
        '<figure class="plot">\n<figcaption>{}</figcaption>\n{}<ul class="legend">\n{}</ul>\n</figure>\n'
    ).format(plot.title, as_svg(plot), legend)


def as_svg(plot: Plot) -> Markup:
    """Returns the picture; the same plot gives the same text."""
    x = Axis([v for s in plot.series for v in s.x], plot.xscale, LEFT, WIDTH - RIGHT, powers=True)
    y = Axis([v for s in plot.series for v in s.y], plot.yscale, HEIGHT - BOTTOM, TOP)
    lines = joined(_series(series, i, x, y, plot) for i, series in enumerate(plot.series))
    labels = ", ".join(series.label for series in plot.series)
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}">\n{}{}'
        '<text class="name" x="{}" y="{}" text-anchor="middle">{}</text>\n'
        '<text class="name" transform="translate(11 {}) rotate(-90)" text-anchor="middle">{}</text>\n{}</svg>\n'
    ).format(
        *(WIDTH, HEIGHT, f"{plot.title}: {plot.ylabel} against {plot.xlabel}, for {labels}"),
        *(_x_ticks(x), _y_ticks(y), (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, plot.xlabel),
        *((TOP + HEIGHT - BOTTOM) / 2, plot.ylabel, lines),
    )


def _x_ticks(axis: Axis) -> Markup:
    return joined(
        Markup(
            '<path class="grid" d="M{0:.1f} {1}V{2}"/><text x="{0:.1f}" y="{3}" text-anchor="middle">{4}</text>\n'
        ).format(axis(tick), TOP, HEIGHT - BOTTOM, HEIGHT - BOTTOM + 15, _number(tick))
        for tick in axis.ticks
    )


def _y_ticks(axis: Axis) -> Markup:
    return joined(
        Markup(
            '<path class="grid" d="M{0} {1:.1f}H{2}"/><text x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>\n'
        ).format(LEFT, axis(tick), WIDTH - RIGHT, LEFT - 5, axis(tick) + 4, _number(tick))
        for tick in axis.ticks
    )


def _number(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def _series(series: Series, index: int, x: Axis, y: Axis, plot: Plot) -> Markup:
    points = [(x(a), y(b)) for a, b in zip(series.x, series.y)]
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
    marks = joined(
        Markup('<path class="mark" d="M{:.1f} {:.1f}{}"><title>{}: {:g} {}, {:g} {}</title></path>').format(
            *(*point, MARKS[index % COLOURS], series.label, a, plot.xlabel, b, plot.ylabel)
        )
        for point, a, b in zip(points, series.x, series.y)
        if series.kind == "line"
    )
    return Markup('<g class="series c{} {}"><path d="{}"/>{}</g>\n').format(index % COLOURS, series.kind, path, marks)


def _sample(series: Series, index: int) -> Markup:
    mark = Markup('<path class="mark" d="M13 5{}"/>').format(MARKS[index % COLOURS]) if series.kind == "line" else ""
    line = Markup('<path d="M1 5H25"/>') if len(series.x) > 1 else ""
    return Markup('<g class="series {}">{}{}</g>').format(series.kind, line, mark)
