"""A sheet of rendered house numbers, to look at.

python -m train.data.contact_sheet --out=sheet.png
python -m train.data.contact_sheet --out=sheet.png --kind=photographs --seed=3
"""

from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image

from train import command
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


def main():
    """Writes the sheet."""
    if not flags.FLAGS.out:
        raise UserError("--out is missing; give the name of the picture to write, --out=sheet.png")
    out = Path(flags.FLAGS.out)
    sheet = contact_sheet(flags.FLAGS.kind, flags.FLAGS.seed, flags.FLAGS.split)
    try:
        Image.fromarray(sheet).save(out)
    except (OSError, ValueError) as error:
        raise UserError(f"--out={out} can't be written: {error}") from error


if __name__ == "__main__":
    define_flags()
    command.run("train.data.contact_sheet", main)
