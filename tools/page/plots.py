"""The plots of a training's page, as descriptions; `tools.findings.plots` draws them."""

import numpy as np

from tools.findings.house_number_tables import by_scales, labelled
from tools.findings.plots import Plot, Series
from tools.findings.runs import DISTANCES, inside
from tools.page.readings import expected_calibration_error

POINTS = 300  # at most, of a curve
LOSS = "train/loss"
VALIDATION = "validation_error/"


def error_plots(name: str, test: dict) -> list[Plot]:
    """Returns error by number of patches, and error by multiplications, of one test; none but of a DCN."""
    if "dcn" not in test["error"]:
        return []
    scales = by_scales(test)
    labels = [f"scale {at['scales'][-1]:g}" if i == 0 else f"and {at['scales'][-1]:g}" for i, at in enumerate(scales)]
    if len(scales) == 1:
        labels = ["DCN"]
    by_patches = [
        Series(label, "line", tuple(map(int, at["error"]["dcn"])), tuple(at["error"]["dcn"].values()))
        for label, at in zip(labels, scales)
    ]
    first = scales[0]
    by_cost = [_at_cost("DCN", first, [("dcn", k) for k in first["error"]["dcn"]])]
    by_cost += [_at_cost(label, first, [keys]) for label, *keys in labelled(first["error"]) if keys[0] != "dcn"]
    return [
        Plot(f"{name}: error by patches", "patches", "error, %", tuple(by_patches), xscale="log"),
        Plot(f"{name}: error by cost", "million multiplications", "error, %", tuple(by_cost)),
    ]


def _at_cost(label: str, at: dict, places) -> Series:
    costs = tuple(inside(at["multiplications"], keys) / 1e6 for keys in places)
    return Series(label, "line", costs, tuple(inside(at["error"], keys) for keys in places))


def training_plots(curves: dict[str, dict[int, float]]) -> list[Plot]:
    """Returns the losses, the distance that the hint is, what else was logged of training, and validation errors."""
    train = [name for name in curves if name.startswith("train/")]
    losses = [name for name in train if name.startswith(LOSS) and name not in DISTANCES]
    distances = [name for name in DISTANCES if name in curves]
    groups = [
        ("Losses", "loss", losses, f"{LOSS}/"),
        ("Hint: distance of coarse and fine vectors", "mean squared distance", distances, "train/loss/"),
        *((_words(name).capitalize(), "value", [name], "train/") for name in train if not name.startswith(LOSS)),
        ("Validation", "error, %", [name for name in curves if name.startswith(VALIDATION)], VALIDATION),
    ]
    return [
        Plot(title, "step", ylabel, tuple(_curve(curves[name], _words(name, prefix)) for name in names), yscale="log")
        for title, ylabel, names, prefix in groups
        if set(names) & curves.keys()
    ]


def _words(name: str, prefix: str = "train/") -> str:
    """Returns the name of a curve in words: 'validation_error/dcn/8' is 'dcn, 8 patches'."""
    *parts, last = name.removeprefix(prefix).removeprefix("train/").replace("_", " ").split("/")
    return ", ".join([*parts, f"{last} patches" if last.isdigit() else last])


def _curve(values: dict[int, float], label: str) -> Series:
    """Returns a curve; of more than `POINTS` figures, means of so many that follow each other."""
    x, y = np.array(list(values)), np.array(list(values.values()))
    parts = min(len(x), POINTS)
    means = [[float(part.mean()) for part in np.array_split(axis, parts)] for axis in (x, y)]
    return Series(label, "curve", *map(tuple, means))


def sureness_plot(bins: list[tuple[float, float, int]]) -> Plot:
    """Returns accuracy by probability (a reliability diagram)."""
    probability, accuracy, _ = zip(*bins)
    error = 100 * expected_calibration_error(bins)
    return Plot(
        *(f"Expected calibration error: {error:.2f} points", "probability given", "share read right"),
        (Series("network", "line", probability, accuracy), Series("as sure as right", "reference", (0, 1), (0, 1))),
    )
