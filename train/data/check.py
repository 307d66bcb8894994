"""Looks through a user's images before hours are spent on them: counts, sizes, balance, and what is suspicious."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from train.data.annotations import SPLITS, annotations, contradictions
from train.data.images import checksum, is_plain, read_image
from train.errors import UserError

FEW = 10  # images of a class
UNBALANCED = 10  # times as many images as of another class
ASPECT = 2.0  # times as wide, or as high, as most images are
SMALL = 8  # pixels
THUMBNAIL, CAPTION, COLUMNS, MOST_CELLS = (80, 80), 14, 12, 240
RED, GREY, WHITE = (220, 40, 40), (96, 96, 96), (255, 255, 255)


@dataclass
class Checked:
    """What was found in a data set.

    Attributes:
        counts: split -> name of the class, or 'N digits' -> number of images.
        sizes: (height, width) of every image that could be read.
        suspicious: file -> what is wrong with it.
        warnings: on the data set as a whole.
        cells: (label, file, picture) of some images of every class, for the sheet.
    """

    counts: dict[str, Counter] = field(default_factory=lambda: {split: Counter() for split in SPLITS})
    sizes: list[tuple[int, int]] = field(default_factory=list)
    suspicious: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    cells: list[tuple] = field(default_factory=list)


def check(path: Path) -> Checked:
    """Returns what is found in a folder or zip; UserError where it can't be read as a data set at all."""
    read, entries = annotations(path, sequences=False)
    numbers = any(len(entry["label"]) != 1 for entry in entries)
    found = Checked()
    found.suspicious |= contradictions(entries)
    classes = {_class_of(entry, numbers) for entry in entries}
    per_class = max(1, MOST_CELLS // len(classes))
    shown, seen, shapes = Counter(), defaultdict(list), []
    for entry in entries:
        kind = _class_of(entry, numbers)
        found.counts[entry["split"]][kind] += 1
        try:
            picture = read_image(read, entry["file"], 3)
        except UserError as error:
            found.suspicious.setdefault(entry["file"], str(error))
            continue
        found.sizes.append((picture.height, picture.width))
        shapes.append((entry["file"], picture.width / picture.height))
        _look(found, entry, picture, seen)
        if shown[kind] < per_class:
            shown[kind] += 1
            text = "".join(map(str, entry["label"])) if numbers else kind
            found.cells.append((text, entry["file"], ImageOps.pad(picture, THUMBNAIL, color=GREY)))
    _look_at_aspects(found, shapes)
    found.warnings += _warnings(found, classes, numbers)
    found.cells.sort(key=lambda cell: cell[0])
    return found


def _class_of(entry: dict, numbers: bool) -> str:
    count = len(entry["label"])
    return f"{count} digit{'' if count == 1 else 's'}" if numbers else str(entry["label"][0])


def _look(found: Checked, entry: dict, picture: Image.Image, seen: dict):
    """Notes what is suspicious about one image; `seen` has the entries of the images before it by their pixels."""
    file, pixels = entry["file"], np.asarray(picture)
    if min(picture.size) < SMALL:
        found.suspicious.setdefault(file, f"has only {picture.width} x {picture.height} pixels")
    elif is_plain(pixels):
        found.suspicious.setdefault(file, "is of one colour")
    alike = seen[checksum(pixels)]
    for other in alike:
        for name in ("label", "split"):
            if other[name] != entry[name] and other["file"] != file:
                before, now = ("".join(map(str, one[name])) for one in (other, entry))
                found.suspicious.setdefault(
                    file, f"is the same image as {other['file']}, of {name} {before}, not {now}"
                )
    if len(alike) < 3:
        alike.append(entry)


def _look_at_aspects(found: Checked, shapes: list):
    usual = np.median([aspect for _, aspect in shapes]) if shapes else 1
    for file, aspect in shapes:
        if not 1 / ASPECT <= aspect / usual <= ASPECT:
            found.suspicious.setdefault(file, f"is {aspect:.2f} times as wide as high; most are {usual:.2f}")


def _warnings(found: Checked, classes: set, numbers: bool):
    total = sum(found.counts.values(), Counter())
    for split in SPLITS:
        missing = sorted(classes - set(found.counts[split]))
        if missing and not numbers:
            yield f"no {split} image of: {', '.join(missing[:20])}{' ...' if len(missing) > 20 else ''}"
    few = sorted(name for name, count in total.items() if count < FEW)
    if few:
        yield f"fewer than {FEW} images of: {', '.join(few[:20])}{' ...' if len(few) > 20 else ''}"
    (most, largest), (least, smallest) = total.most_common()[0], total.most_common()[-1]
    if largest > UNBALANCED * smallest:
        yield f"unbalanced: {largest} images of {most}, {smallest} of {least}"


def sheet(found: Checked) -> Image.Image:
    """Returns some images of every class with their labels, in rows; a suspicious one has a red frame."""
    width, height = THUMBNAIL[0] + 4, THUMBNAIL[1] + CAPTION
    rows = -(-len(found.cells) // COLUMNS) or 1
    picture = Image.new("RGB", (width * min(COLUMNS, max(1, len(found.cells))), height * rows), (24, 24, 24))
    pen = ImageDraw.Draw(picture)
    for number, (label, file, thumbnail) in enumerate(found.cells):
        left, top = number % COLUMNS * width + 2, number // COLUMNS * height
        picture.paste(thumbnail, (left, top))
        wrong = file in found.suspicious
        if wrong:
            pen.rectangle((left, top, left + THUMBNAIL[0] - 1, top + THUMBNAIL[1] - 1), outline=RED, width=3)
        pen.text((left + 1, top + THUMBNAIL[1]), label[:14] or "nothing", fill=RED if wrong else WHITE)
    return picture
