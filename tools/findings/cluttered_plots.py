"""The plots about Cluttered MNIST (the paper's figures 2 and 3b, and error against cost)."""

from tools.findings.cluttered_tables import LABELS, NETWORKS, place
from tools.findings.plots import Plot, Series
from tools.findings.runs import DISTANCES, Figure, Variant

# What is drawn, of the variants in the tables, with short words for them: more lines could not be told apart.
SHOWN = {
    **{name: LABELS[name] for name in ("ram", "draw", "coarse", "fine")},
    "fine_muon_on": "fine, taught, by Muon",
    **{name: LABELS[name] for name in ("dcn_no_hint", "dcn_hint", "dcn_relative_hint")},
    "dcn_taught": "DCN, taught",
    "dcn_muon_on": "DCN, taught, by Muon",
}


def drawings(sweep: dict[str, Variant], published: dict) -> dict[str, Plot]:
    """Returns the plots that there are figures for, by file name."""
    paper = published["paper"]
    shown = {name: sweep[name] for name in SHOWN if name in sweep}
    networks = {name: variant for name, variant in shown.items() if name in NETWORKS}
    found = {}
    if networks:
        found["error_by_patches.svg"] = Plot(
            *("Cluttered MNIST: error by number of patches", "patches", "test error, %"),
            (*(_by_patches(name, variant) for name, variant in networks.items()), _paper_by_patches(paper)),
            xscale="log",
            yscale="log",
        )
        found["error_by_multiplications.svg"] = Plot(
            *("Cluttered MNIST: error and cost", "million multiplications per image", "test error, %"),
            (*(_frontier(name, variant) for name, variant in shown.items()), *_paper_frontier(paper)),
            yscale="log",
        )
    curves = {name: _distance(variant) for name, variant in networks.items()}
    if any(curves.values()):
        found["distance.svg"] = Plot(
            "Distance of coarse and fine vectors at selected cells",
            "million training images",
            "mean squared distance",
            tuple(Series(SHOWN[name], "curve", *zip(*curve)) for name, curve in curves.items() if curve),
            yscale="log",
        )
    return found


def _distance(variant: Variant) -> list[tuple[float, float]]:
    """Returns (million training images, mean squared distance of coarse and fine vectors)."""
    curve = next(filter(None, map(variant.curve, DISTANCES)), ())
    return [(step * variant.config["batch_size"] / 1e6, value) for step, value in curve]


def _by_patches(name: str, variant: Variant) -> Series:
    counts = list(variant.group("error", "dcn"))
    return _series(name, map(int, counts), [variant.figure("error", "dcn", k) for k in counts])


def _frontier(name: str, variant: Variant) -> Series:
    places = [("dcn", k) for k in variant.group("error", "dcn")] or [place(name)]
    costs = (variant.figure("multiplications", *where).mean / 1e6 for where in places)
    return _series(name, costs, [variant.figure("error", *where) for where in places])


def _series(name: str, x, figures: list[Figure]) -> Series:
    spread = None if figures[0].spread is None else tuple(figure.spread for figure in figures)
    return Series(f"here, {SHOWN[name]}", "line", tuple(x), tuple(figure.mean for figure in figures), spread)


def _paper_by_patches(paper) -> Series:
    errors = paper["error_by_patches"]
    return Series("paper, figure 3b", "published", tuple(map(int, errors)), tuple(errors.values()))


def _paper_frontier(paper) -> list[Series]:
    return [
        Series(f"paper, {LABELS[name]}", "published", (cost / 1e6,), (paper["error"][name],))
        for name, cost in paper["multiplications"].items()
    ]
