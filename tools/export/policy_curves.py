"""Curves of policies on validation and test images: a table for other programs, and pictures."""

import csv
import io
from dataclasses import asdict
from pathlib import Path

from edge import output
from tools.export.policies import Curve, Judgement, Outcomes, Policy, judge
from tools.findings.plots import Plot, Series, as_svg

CSV_COLUMNS = (
    *("split", "policy", "num_patches", "exit_entropy", "saliency_level"),
    *("images", "errors", "multiplications", "mean_patches"),
)
CURVE_FILES = ("policies.csv", "validation.svg", "test.svg")


def as_csv(rows: list[tuple[str, str, Policy, Judgement]]) -> str:
    """Returns the curves as a table for other programs: rows of split, curve's name, policy and judgement."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for split, name, policy, at in rows:
        thresholds = asdict(policy).values()
        writer.writerow(
            (split, name, *thresholds, at.images, at.errors, round(at.multiplications), f"{at.patches:.4f}")
        )
    return file.getvalue()


def plot(rows: list[tuple[str, str, Policy, Judgement]], title: str) -> Plot:
    """Returns the picture of one split's rows: a line for each curve."""
    series = []
    for curve in dict.fromkeys(name for _, name, *_ in rows):
        points = sorted((at.multiplications / 1e6, at.error) for _, name, _, at in rows if name == curve)
        series.append(Series(curve, "line" if curve == "fixed" else "curve", *zip(*points)))
    return Plot(title, "multiplications of the mean image, 10⁶", "error, %", tuple(series))


def curve_rows(all_curves: list[Curve], split: str, found: Outcomes) -> list[tuple[str, str, Policy, Judgement]]:
    """Returns the rows of `as_csv` for one split."""
    return [(split, curve.name, policy, judge(found, policy)) for curve in all_curves for policy in curve.policies]


def write_curves(folder: Path, name: str, all_curves, on_validation: Outcomes, on_test: Outcomes) -> None:
    """Writes `CURVE_FILES` for a network of a name, of its outcomes on both splits."""
    of_validation = curve_rows(all_curves, "validation", on_validation)
    of_test = curve_rows(all_curves, "test", on_test)
    pictures = [plot(of_validation, f"{name}, validation"), plot(of_test, f"{name}, test")]
    for file, text in zip(CURVE_FILES, (as_csv(of_validation + of_test), *map(as_svg, pictures))):
        output.write(folder / file, text)
