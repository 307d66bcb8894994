"""Multiplications against the side of the image, and where attention begins to pay (the paper's figure 5).

python -m tools.cost_curve --preset=svhn --num_patches=6 [--out=FOLDER]

Computed from the architecture's description; nothing is measured.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from absl import flags

from dcn_tf.architecture import Architecture
from dcn_tf.cost import dcn_cost, whole_multiplications
from dcn_tf.geometry import smallest_image
from dcn_tf.presets import PRESETS, preset
from edge.errors import UserError
from tools import command

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
    """Returns what an image of a size costs the coarse model, the fine model and the DCN with `num_patches` patches."""
    size = (height, width)
    coarse, fine = (whole_multiplications(architecture, stack, size) for stack in ("coarse", "fine"))
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
    lines = [f"{'height x width':>15} {'coarse, M':>12} {'fine, M':>12} {'DCN, M':>12} {'DCN / fine':>11}"]
    for at in points:
        millions = "".join(f" {count / 1e6:>12.1f}" for count in (at.coarse, at.fine, at.dcn))
        lines.append(f"{at.height:>7} x {at.width:<5}{millions} {at.dcn / at.fine:>11.3f}")
    lines.append(f"million multiplications of one image; DCN with {num_patches} patches")
    lines.append(f"a DCN pays from squares of {even} pixels on" if even else "a DCN never pays")
    return "\n".join(lines)


def as_csv(points: list[Point]) -> str:
    """Returns the curve as a table for other programs."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("height", "width", "coarse", "fine", "dcn"))
    writer.writerows((at.height, at.width, at.coarse, at.fine, at.dcn) for at in points)
    return file.getvalue()


def as_svg(points: list[Point], num_patches: int, even: int | None, name: str) -> str:
    """Returns the curve over squares as a picture."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = name  # the same curve gives the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4))
    sides = [at.height for at in points]
    for label, values in (
        ("fine", [at.fine for at in points]),
        (f"DCN, {num_patches} patches", [at.dcn for at in points]),
        ("coarse", [at.coarse for at in points]),
    ):
        axes.plot(sides, [value / 1e9 for value in values], marker="o", label=label)
    if even:
        axes.axvline(even, color="grey", linestyle=":", label=f"break-even, {even}")
    axes.set(xlabel="side of the square image, pixels", ylabel="multiplications, 10⁹", title=name, ylim=(0, None))
    axes.legend()
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    return file.getvalue()


def define_flags() -> None:
    """Defines the flags of this program."""
    flags.DEFINE_enum("preset", "svhn", sorted(PRESETS), "The architecture.")
    flags.DEFINE_integer("num_patches", 6, "Patches of the DCN.", lower_bound=1)
    flags.DEFINE_string("out", None, "Also write cost.csv and cost.svg into this folder.")


def main(values) -> None:
    """Prints the curve, and writes it where asked."""
    architecture = preset(values.preset)
    smallest = max(smallest_image(architecture))
    squares = [point(architecture, values.num_patches, side, side) for side in SIDES if side >= smallest]
    wide = point(architecture, values.num_patches, 256, 512)
    even = break_even(architecture, values.num_patches)
    print(format_curve([*squares, wide], values.num_patches, even))
    if values.out:
        folder = Path(values.out)
        texts = {
            "cost.csv": as_csv([*squares, wide]),
            "cost.svg": as_svg(squares, values.num_patches, even, values.preset),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                (folder / name).write_text(text)
        except OSError as error:
            raise UserError(f"--out={folder} cannot be written: {error}; name another folder") from error


if __name__ == "__main__":
    define_flags()
    command.run(main)
