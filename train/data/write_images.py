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

import contextlib
import io
import json
import os
import re
import tempfile
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
OURS = re.compile(r"\d{5}(_\d)?\.png")  # the names that this command gives to pictures
KINDS = (CLUTTERED, PHOTOGRAPHS, EMPTY_PHOTOGRAPHS, SEMI_REAL, SHAPES)


def write_images(folder: Path, source: digits.Digits, count: int) -> None:
    """Writes the first images of the fixed test split as NUMBER_LABEL.png, in place of those of an earlier time."""
    split = fixed_split(*source.test, Config.test_images, SPLIT_SEEDS["test"]).head(count)
    with _replacing_all(folder) as fresh:
        for number, (image, label) in enumerate(zip(split.images, split.labels)):
            Image.fromarray(image[..., 0]).save(fresh / f"{number:05d}_{label[0]}.png")


def write_photographs(folder: Path, pictures: sets.PictureSet, split: str) -> None:
    """Writes pictures as NUMBER.png, and annotations.json beside them, in place of those of an earlier time.

    An entry has `file`, `label` (a list of digits, empty where there is no number), `split`, `style`, and where there
    is a number its `box`, [left, top, right, bottom] in pixels.
    """
    with _replacing_all(folder) as fresh:
        entries = []
        for number, (image, label) in enumerate(zip(pictures.images, pictures.numbers)):
            entry = {"file": f"{number:05d}.png", "label": label, "split": split, "style": str(pictures.styles[number])}
            if label:
                entry["box"] = [round(float(side), 1) for side in pictures.boxes[number]]
            Image.fromarray(image).save(fresh / entry["file"])
            entries.append(entry)
        lines = ",\n ".join(map(json.dumps, entries))
        (fresh / ANNOTATIONS).write_text(f"[{lines}]\n", encoding="utf-8")


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
        with _replacing_all(out) as fresh:
            for number, (name, image) in enumerate(shapes.render_set(count)):
                (fresh / name).mkdir(exist_ok=True)
                Image.fromarray(image).save(fresh / name / f"{number:05d}.png")
        return
    with files.replacing(out) as partial, zipfile.ZipFile(partial, "w") as archive:
        for number, (name, image) in enumerate(shapes.render_set(count)):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "PNG")
            archive.writestr(f"{out.stem}/{name}/{number:05d}.png", buffer.getvalue())


def check_out(out: Path, data_dir: str | None = None) -> None:
    """Raises UserError where a set can't be written to `out`, or files of others would be in it or be lost.

    A folder may hold a set of this command, which is replaced, and files that are no PNG.
    """
    if out.suffix == ".zip":
        files.check_writable(out, "--out")
        return
    above = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise UserError(f"--out must be a folder that may be written to. Received: {out}")
    if data_dir and out.resolve() == Path(data_dir).resolve():
        raise UserError(f"--out must be another folder than --data_dir. Received: {out} for both")
    foreign = sorted(path for path in _pictures(out) if not OURS.fullmatch(path.name))
    foreign += [] if _is_ours(out / ANNOTATIONS) else [out / ANNOTATIONS]
    if foreign:
        raise UserError(f"--out must hold no images of others. Received: {out}, with {foreign[0].name}; name another")


def _pictures(folder: Path) -> list[Path]:
    """Returns the PNG files of a folder, and of its folders for shapes."""
    return [path for part in (folder, *(folder / name for name in shapes.NAMES)) for path in part.glob("*.png")]


def _is_ours(annotations: Path) -> bool:
    """Returns whether there is no such file, or this command wrote it."""
    try:
        entries = json.loads(annotations.read_text(encoding="utf-8"))
        return all(OURS.fullmatch(entry["file"]) and "style" in entry for entry in entries)
    except FileNotFoundError:
        return True
    except (OSError, ValueError, TypeError, KeyError):
        return False


@contextlib.contextmanager
def _replacing_all(folder: Path):
    """Gives an empty folder; what is in it when the block ends takes the place of the set that `folder` holds."""
    folder.mkdir(parents=True, exist_ok=True)
    check_out(folder)
    with tempfile.TemporaryDirectory(prefix=".", suffix=files.PARTIAL, dir=folder) as fresh:
        yield Path(fresh)
        for old in (*_pictures(folder), folder / ANNOTATIONS):
            old.unlink(missing_ok=True)
        for path in sorted(path for path in Path(fresh).rglob("*") if path.is_file()):  # annotations.json comes last
            place = folder / path.relative_to(fresh)
            place.parent.mkdir(exist_ok=True)
            path.replace(place)


def define_flags():
    """Defines the flags of this command."""
    flags.DEFINE_string(
        "out", None, "The folder, of shapes also the zip, to write. An earlier set of this command is replaced."
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
    check_out(Path(values.out), values.data_dir)
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
