"""Writes images as files, for programs that read images: cluttered digits, photographs, or shapes.

python -m train.data.write_images --out=FOLDER --data_dir=MNIST [--count=200]
python -m train.data.write_images --out=FOLDER                   # from scikit-learn's digits, where there is no MNIST
python -m train.data.write_images --out=FOLDER --kind=photographs --count=2000          # with annotations.json
python -m train.data.write_images --out=FOLDER --kind=empty_photographs --count=500     # their numbers not painted
python -m train.data.write_images --out=FOLDER --kind=semi_real --data_dir=PATH         # real numbers in rendered ones
python -m train.data.write_images --out=shapes.zip --kind=shapes --count=6000           # a folder for each class

Photographs have 96 to 640 pixels a side. Photograph i depends on the split and i alone, so that a larger count begins
with the same photographs.
"""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image

from train import command, files
from train.config import Config
from train.data import digits
from train.data.cluttered import SPLIT_SEEDS, fixed_split
from train.data.rendering import sets, shapes
from train.errors import UserError

ANNOTATIONS = "annotations.json"  # as train.data.folder reads it, which would load TensorFlow
CLUTTERED, PHOTOGRAPHS, EMPTY_PHOTOGRAPHS, SHAPES = "cluttered", "photographs", "empty_photographs", "shapes"
SEMI_REAL = "semi_real"
KINDS = (CLUTTERED, PHOTOGRAPHS, EMPTY_PHOTOGRAPHS, SEMI_REAL, SHAPES)


def write_images(folder: Path, source: digits.Digits, count: int) -> None:
    """Writes the first images of the fixed test split as NUMBER_LABEL.png; other PNG files there are removed."""
    split = fixed_split(*source.test, Config.test_images, SPLIT_SEEDS["test"]).head(count)
    _make_room(folder)
    for number, (image, label) in enumerate(zip(split.images, split.labels)):
        Image.fromarray(image[..., 0]).save(folder / f"{number:05d}_{label[0]}.png")


def write_photographs(folder: Path, pictures: sets.PictureSet, split: str) -> None:
    """Writes pictures as NUMBER.png, and annotations.json beside them; other PNG files there are removed.

    An entry has `file`, `label` (a list of digits, empty where there is no number), `split`, `style`, and where there
    is a number its `box`, [left, top, right, bottom] in pixels.
    """
    _make_room(folder)
    entries = []
    for number, (image, label) in enumerate(zip(pictures.images, pictures.numbers)):
        entry = {"file": f"{number:05d}.png", "label": label, "split": split, "style": str(pictures.styles[number])}
        if label:
            entry["box"] = [round(float(side), 1) for side in pictures.boxes[number]]
        Image.fromarray(image).save(folder / entry["file"])
        entries.append(entry)
    lines = ",\n ".join(map(json.dumps, entries))
    (folder / ANNOTATIONS).write_text(f"[{lines}]\n", encoding="utf-8")


def semi_real_pictures(data_dir: str, split: str, count: int) -> sets.PictureSet:
    """Returns the first real numbers of a split, in rendered surroundings, see `train.data.semi_real`.

    Raises:
        UserError: the data is missing or wrong, or no image of the split tells where it lay.
    """
    # These load TensorFlow, which all others do without.
    from dcn_tf.presets import preset
    from train.data.semi_real import KEYS, placed_entries, semi_real_split

    read, chosen = placed_entries(data_dir, split)
    chosen = chosen[:count]
    if not chosen:
        raise UserError(
            f"--kind=semi_real needs images of --split={split} with {', '.join(KEYS)}. Received: none in {data_dir}"
        )
    made = semi_real_split(read, chosen, preset("numbers"))
    digits_of = np.full((len(chosen), max(len(entry["label"]) for entry in chosen)), sets.EMPTY, np.int8)
    for row, entry in zip(digits_of, chosen):
        row[: len(entry["label"])] = entry["label"]
    images, styles = [image[..., 0] for image in made.images], np.full(len(chosen), SEMI_REAL)
    return sets.PictureSet(images, digits_of, made.boxes, np.zeros((*digits_of.shape, 4), np.float32), styles)


def write_shapes(out: Path, count: int) -> None:
    """Writes shapes as CLASS/NUMBER.png, into a folder, or where `out` ends in .zip into one folder in a zip."""
    if out.suffix != ".zip":
        for number, (name, image) in enumerate(shapes.render_set(count)):
            (out / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(out / name / f"{number:05d}.png")
        return
    with files.replacing(out) as partial, zipfile.ZipFile(partial, "w") as archive:
        for number, (name, image) in enumerate(shapes.render_set(count)):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "PNG")
            archive.writestr(f"{out.stem}/{name}/{number:05d}.png", buffer.getvalue())


def _make_room(folder: Path):
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.png"), folder / ANNOTATIONS):
        old.unlink(missing_ok=True)


def define_flags():
    """Defines the flags of this command."""
    flags.DEFINE_string(
        "out", None, "The folder, of shapes also the zip, to write; PNG files that are there are removed."
    )
    flags.DEFINE_enum("kind", CLUTTERED, KINDS, "What is on the images.")
    flags.DEFINE_string(
        "data_dir", None, "MNIST's folder, or scikit-learn's digits where left out; of semi_real a folder or zip."
    )
    flags.DEFINE_integer("count", 200, "How many.", lower_bound=1, upper_bound=Config.test_images)
    flags.DEFINE_enum("split", "test", list(sets.SPLIT_SEEDS), "Of photographs: whose type faces and random numbers.")


def main():
    """Writes the images."""
    values = flags.FLAGS
    if not values.out:
        raise UserError("--out is missing; give the folder to write into, --out=FOLDER")
    if values.kind == CLUTTERED:
        if values.split != "test":
            raise UserError(f"cluttered images are of the test split. Received: --split={values.split}; leave it out")
        source = digits.load_mnist(values.data_dir) if values.data_dir else digits.load_sklearn()
        write_images(Path(values.out), source, values.count)
        print(f"{values.count} cluttered test images of {source.detail} in {values.out}")
        return
    if values.kind == SEMI_REAL:
        if not values.data_dir:
            raise UserError(
                "--kind=semi_real needs real images; give a folder or zip with annotations.json, --data_dir"
            )
        pictures = semi_real_pictures(values.data_dir, values.split, values.count)
        write_photographs(Path(values.out), pictures, values.split)
        print(f"{len(pictures.images)} semi-real photographs of the {values.split} split in {values.out}")
        return
    if values.data_dir:
        raise UserError(
            f"{values.kind} are rendered from nothing. Received: --data_dir={values.data_dir}; leave it out"
        )
    if values.kind == SHAPES:
        write_shapes(Path(values.out), values.count)
        print(f"{values.count} shapes of {len(shapes.NAMES)} kinds in {values.out}")
        return
    painted = values.kind == PHOTOGRAPHS
    pictures = sets.load_photographs(values.split, values.count, sizes=sets.ANY_SIZES, painted=painted)
    write_photographs(Path(values.out), pictures, values.split)
    print(f"{values.count} {'' if painted else 'empty '}photographs of the {values.split} split in {values.out}")


if __name__ == "__main__":
    define_flags()
    command.run("train.data.write_images", main)
