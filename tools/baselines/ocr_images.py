"""The images of a comparison, and their labels: from a file, a folder, a pattern, or a zip file of a folder."""

import zipfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from edge.comparison.labels import FILES, find_labels
from edge.errors import UserError, one_line
from edge.sight.images import expand, open_image
from tools.files import read_json

MOST_UNPACKED = 2**31  # bytes of a zip file


@dataclass(frozen=True)
class LabelledImages:
    """Images, and what is to be read in them.

    Attributes:
        labels: path -> label, as far as it is known; '' where there is nothing to read.
        labels_source: where the labels are from, or None.
    """

    paths: list[Path]
    labels: dict
    labels_source: str | None


def find_images(images: str, folder: Path, labels=None, split=None, limit=None) -> LabelledImages:
    """Returns the images that a command line names, each of which can be read.

    Args:
        images: an image file, a folder, a pattern, or a zip file.
        folder: an empty one, into which a zip file is unpacked.
        split: only images of this split, as the file of labels tells it.

    Raises:
        UserError: an image, the labels or the zip file cannot be read, or nothing is left.
    """
    if zipfile.is_zipfile(images):
        _unpack(images, folder)
        paths = list(expand([_folder_of_images(folder)]))
    else:
        paths = list(expand([images]))
    if not paths:
        raise UserError(f"--images={images} names no image; name an image file, a folder, a pattern or a zip file")
    if split:
        paths = _of_split(paths, split, labels or _labels_beside(paths))
    paths = list(islice(paths, limit))
    for path in paths:  # so that a damaged one is told now
        open_image(path)
    return LabelledImages(paths, *find_labels(paths, labels))


def _unpack(file, folder: Path):
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(part.file_size for part in archive.infolist())
            if size > MOST_UNPACKED:
                raise ValueError(f"it holds {size:,} bytes, more than {MOST_UNPACKED:,}")
            archive.extractall(folder)
    except Exception as error:  # of a damaged one zipfile and its decompressors raise almost anything
        raise UserError(f"{file} cannot be unpacked: {one_line(error)}; name another file") from None


def _folder_of_images(folder: Path) -> Path:
    """Returns the folder that holds a file of labels, or the outermost that holds more than one folder."""
    found = sorted(path.parent for name in FILES for path in folder.rglob(name))
    if found:
        return found[0]
    inside = list(folder.iterdir())
    return _folder_of_images(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


def _labels_beside(paths) -> Path:
    """Returns the file of labels beside the images."""
    found = next((path for name in FILES if (path := Path(paths[0]).parent / name).is_file()), None)
    if found is None:
        raise UserError(f"--split needs annotations.json beside the images, and {paths[0]} has none; leave --split out")
    return found


def _of_split(paths, split: str, file) -> list[Path]:
    try:
        entries = read_json(file)
        names = {entry["file"].removeprefix("./") for entry in entries if entry.get("split") == split}
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise UserError(f"{file} tells no splits: {one_line(error)}; leave --split out") from None
    chosen = [path for path in paths if path.name in names]
    if not chosen:
        raise UserError(f"{file} has no image of --split={split}; name a split that it tells, or leave --split out")
    return chosen
