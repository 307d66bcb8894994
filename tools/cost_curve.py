"""Multiplications against the side of the image, and where attention begins to pay (the paper's figure 5).

python -m tools.cost_curve --preset=svhn --num_patches=6 [--out=FOLDER]

Computed from the architecture's description; nothing is measured.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from dcn_tf.architecture import Architecture
from dcn_tf.cost import dcn_cost, whole_multiplications
from dcn_tf.geometry import num_cells, smallest_image
from dcn_tf.presets import PRESETS, preset
from edge.arguments import number
from edge.output import check_writable, write
from tools import command
from tools.findings.plots import Plot, Series, as_svg
from tools.table import table

SIDES = (128, 192, 256, 320, 384, 448, 512)
LARGEST = 4096


@dataclass(frozen=True)
class Point:
    """Multiplications of one image of `height` x `width` pixels."""

    height: int
    width: int
    coarse: int
    fine: int
    dcn: int


def point(architecture: Architecture, num_patches: int, height: int, width: int) -> Point:
    """Returns what an image of a size costs the coarse model, the fine model and the DCN with `num_patches` patches.

    A small image has a patch for each of its cells, and no more.
    """
    size = (height, width)
    coarse, fine = (whole_multiplications(architecture, stack, size) for stack in ("coarse", "fine"))
    num_patches = min(num_patches, num_cells(architecture, size))
    return Point(height, width, coarse, fine, dcn_cost(architecture, num_patches, size).total)


def break_even(architecture: Architecture, num_patches: int) -> int | None:
    """Returns the smallest side of a square image for which the DCN needs fewer multiplications than the fine model.

    None if there is none up to `LARGEST` pixels.
    """
    for side in range(max(smallest_image(architecture)), LARGEST + 1):
        costs = point(architecture, num_patches, side, side)
        if costs.dcn < costs.fine:
            return side
    return None


def format_curve(points: list[Point], num_patches: int, even: int | None) -> str:
    """Returns the table that is printed."""
    rows = [
        (
            f"{at.height} x {at.width}",
            *(f"{count / 1e6:.1f}" for count in (at.coarse, at.fine, at.dcn)),
            f"{at.dcn / at.fine:.3f}",
        )
        for at in points
    ]
    return "\n".join(
        [
            table(("height x width", "coarse, M", "fine, M", "DCN, M", "DCN / fine"), rows),
            f"million multiplications of one image; DCN with {num_patches} patches",
            f"a DCN pays from squares of {even} pixels on" if even else "a DCN never pays",
        ]
    )


def as_csv(points: list[Point]) -> str:
    """Returns the curve as a table for other programs."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("height", "width", "coarse", "fine", "dcn"))
    writer.writerows((at.height, at.width, at.coarse, at.fine, at.dcn) for at in points)
    return file.getvalue()


def plot(points: list[Point], num_patches: int, even: int | None, name: str) -> Plot:
    """Returns the curve over squares, and a line where attention begins to pay."""
    sides = tuple(at.height for at in points)
    costs = {"fine": "fine", f"DCN, {num_patches} patches": "dcn", "coarse": "coarse"}
    series = [
        Series(label, "line", sides, tuple(getattr(at, kind) / 1e9 for at in points)) for label, kind in costs.items()
    ]
    if even:
        highest = max(series[0].y)
        series.append(Series(f"break-even, {even}", "reference", (even, even), (0, highest)))
    return Plot(name, "side of the square image, pixels", "multiplications, 10⁹", tuple(series))


def main(arguments) -> None:
    """Prints the curve, and writes it where asked."""
    parser = command.make_parser("tools.cost_curve", __doc__)
    add = parser.add_argument
    add("--preset", default="svhn", choices=sorted(PRESETS), help="the architecture (default svhn)")
    add("--num_patches", type=number(1), default=6, metavar="K", help="patches of the DCN (default 6)")
    add("--out", metavar="FOLDER", help="also write cost.csv and cost.svg into this folder")
    values = parser.parse_args(arguments)
    check_writable(values.out and Path(values.out, "cost.csv"), "--out")
    architecture = preset(values.preset)
    smallest = max(smallest_image(architecture))
    squares = [point(architecture, values.num_patches, side, side) for side in SIDES if side >= smallest]
    wide = point(architecture, values.num_patches, 256, 512)
    even = break_even(architecture, values.num_patches)
    print(format_curve([*squares, wide], values.num_patches, even))
    if values.out:
        drawn = plot(squares, values.num_patches, even, values.preset)
        for name, text in {"cost.csv": as_csv([*squares, wide]), "cost.svg": as_svg(drawn)}.items():
            write(Path(values.out, name), text)


if __name__ == "__main__":
    command.run(main)
