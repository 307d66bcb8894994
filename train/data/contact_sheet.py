"""A sheet of rendered house numbers, to look at.

python -m train.data.contact_sheet --out=sheet.png
python -m train.data.contact_sheet --out=sheet.png --kind=photographs --seed=3
"""

import sys
from pathlib import Path

import numpy as np
from absl import app, flags
from PIL import Image

from train.data.rendering.scenes import render_crop, render_photograph
from train.data.rendering.typefaces import FAMILIES
from train.errors import UserError

# How each kind is drawn: function, (height, width) of a picture, (rows, columns) of the sheet.
KINDS = {
    "crops": (render_crop, (64, 128), (12, 10)),
    "photographs": (render_photograph, (256, 384), (4, 5)),
}


def contact_sheet(kind: str, seed: int, split: str) -> np.ndarray:
    """Returns a sheet uint8 [H, W] of pictures of a kind of `KINDS`, in the type faces of a split."""
    render, size, (rows, columns) = KINDS[kind]
    images = [render(np.random.default_rng([seed, i]), size, split).image for i in range(rows * columns)]
    return np.vstack([np.hstack(images[row * columns : (row + 1) * columns]) for row in range(rows)])


def define_flags():
    """Defines the flags of this command."""
    flags.DEFINE_string("out", None, "The picture to write: .png, .jpg or whatever else Pillow writes.")
    flags.DEFINE_enum("kind", "crops", sorted(KINDS), "Tight crops, or photographs of house fronts.")
    flags.DEFINE_enum("split", "train", list(FAMILIES), "Whose type faces are used.")
    flags.DEFINE_integer("seed", 0, "Another seed gives other numbers.", lower_bound=0)


def main(arguments):
    """Writes the sheet; returns the exit status."""
    try:
        if len(arguments) > 1:
            raise UserError(f"every argument is a flag, --name=value. Received: {arguments[1]!r}")
        if not flags.FLAGS.out:
            raise UserError("--out is missing; give the name of the picture to write, --out=sheet.png")
        out = Path(flags.FLAGS.out)
        sheet = contact_sheet(flags.FLAGS.kind, flags.FLAGS.seed, flags.FLAGS.split)
        try:
            Image.fromarray(sheet).save(out)
        except (OSError, ValueError) as error:
            raise UserError(f"--out={out} can't be written: {error}") from error
    except UserError as error:
        print(f"train.data.contact_sheet: {error}", file=sys.stderr)
        return 2
    return 0


def parse_flags(arguments):
    """Parses the command line; a wrong flag is one line and exit status 2."""
    try:
        return flags.FLAGS(arguments)
    except flags.Error as error:
        print(f"train.data.contact_sheet: {' '.join(str(error).split())}; --help lists the flags", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    define_flags()
    app.run(main, flags_parser=parse_flags)
