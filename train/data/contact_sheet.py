"""A sheet of house numbers, to look at.

python -m train.data.contact_sheet --out=sheet.png
python -m train.data.contact_sheet --out=sheet.png --kind=photographs --seed=3
python -m train.data.contact_sheet --out=sheet.png --kind=scenes
python -m train.data.contact_sheet --out=sheet.png --kind=display
python -m train.data.contact_sheet --out=sheet.png --kind=semi_real --data_dir=PATH
"""

from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image, ImageOps

from train import command
from train.data.rendering.scenes import render_crop, render_photograph
from train.data.rendering.styles import MAKERS
from train.data.rendering.training_scenes import render_scene
from train.data.rendering.typefaces import FAMILIES
from train.errors import UserError

# (height, width) of a picture and (rows, columns) of the sheet.
KINDS = {
    "crops": ((64, 128), (12, 10)),
    "photographs": ((256, 384), (4, 5)),
    "scenes": ((96, 192), (10, 7)),
    **dict.fromkeys(MAKERS, ((96, 192), (10, 7))),
    "semi_real": ((192, 320), (6, 5)),
}
LENGTHS_OF_SCENES = (0.15, 0.25, 0.25, 0.2, 0.06, 0.04, 0.03, 0.02)  # of numbers, so that long ones are seen


def only(kind: str) -> dict[int, dict[str, float]]:
    """Returns the shares with which all numbers are of one kind."""
    return {length: {kind: 1.0} for length in range(1, len(LENGTHS_OF_SCENES) + 1)}


def rendered_sheet(kind: str, seed: int, split: str, looseness: float = 1.0) -> np.ndarray:
    """Returns a sheet uint8 [H, W] of rendered crops, photographs or scenes, in the type faces of a split."""
    size, (rows, columns) = KINDS[kind]
    render = {
        "crops": lambda rng: render_crop(rng, size, split, looseness),
        "photographs": lambda rng: render_photograph(rng, size, split),
        "scenes": lambda rng: render_scene(rng, size, split, lengths=LENGTHS_OF_SCENES),
    }.get(kind, lambda rng: render_scene(rng, size, split, lengths=LENGTHS_OF_SCENES, styles=only(kind)))
    return _grid([render(np.random.default_rng([seed, i])).image for i in range(rows * columns)], columns)


def semi_real_sheet(data_dir: str, seed: int, split: str) -> np.ndarray:
    """Returns a sheet uint8 [H, W] of real numbers of a split in rendered surroundings, each fitted into its field.

    Raises:
        UserError: the data is missing or wrong, or too few of its images tell where they lay.
    """
    # These load TensorFlow, which rendered sheets do without.
    from dcn_tf.presets import preset
    from train.data.semi_real import placed_entries, semi_real_split

    size, (rows, columns) = KINDS["semi_real"]
    read, entries = placed_entries(data_dir, split)
    if len(entries) < rows * columns:
        raise UserError(
            f"--kind=semi_real needs {rows * columns} images of --split={split} with frame_size, frame_origin, scale "
            f"and boxes. Received: {len(entries)} in {data_dir}"
        )
    chosen = np.random.default_rng(seed).permutation(len(entries))[: rows * columns]
    made = semi_real_split(read, [entries[i] for i in chosen], preset("svhn"), workers=1)
    pictures = [Image.fromarray(image[..., 0]) for image in made.images]
    return _grid([np.asarray(ImageOps.pad(picture, size[::-1])) for picture in pictures], columns)


def _grid(images, columns: int) -> np.ndarray:
    return np.vstack([np.hstack(images[start : start + columns]) for start in range(0, len(images), columns)])


def define_flags():
    """Defines the flags of this command."""
    flags.DEFINE_string("out", None, "The picture to write: .png, .jpg or whatever else Pillow writes.")
    flags.DEFINE_enum(
        "kind",
        "crops",
        sorted(KINDS),
        "Rendered crops, photographs, scenes or those of one kind, or real numbers in rendered photographs.",
    )
    flags.DEFINE_enum("split", "train", list(FAMILIES), "Whose type faces, or real numbers, are used.")
    flags.DEFINE_integer("seed", 0, "Another seed gives other numbers.", lower_bound=0)
    flags.DEFINE_float("looseness", 1.0, "Crops show up to so many times as much in height and width.", 1, 100)
    flags.DEFINE_string("data_dir", None, "For semi_real: a folder or zip with images and annotations.json.")


def main():
    """Writes the sheet."""
    values = flags.FLAGS
    if not values.out:
        raise UserError("--out is missing; give the name of the picture to write, --out=sheet.png")
    if values.kind == "semi_real":
        if not values.data_dir:
            raise UserError("--kind=semi_real needs --data_dir: a folder or zip with images and annotations.json")
        sheet = semi_real_sheet(values.data_dir, values.seed, values.split)
    else:
        sheet = rendered_sheet(values.kind, values.seed, values.split, values.looseness)
    try:
        Image.fromarray(sheet).save(Path(values.out))
    except (OSError, ValueError) as error:
        raise UserError(f"--out={values.out} can't be written: {error}") from error


if __name__ == "__main__":
    define_flags()
    command.run("train.data.contact_sheet", main)
