"""From image files to the pixels that a model takes."""

import glob
import itertools
import math
import os
import re
import sys
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from edge.bundle.manifest import Input
from edge.errors import UserError, one_line
from edge.files import open_file
from edge.sight.depth import in_colour, plain_image
from edge.sight.orientation import TURNS, turn_of

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
FORMATS = ("BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")  # others may start programs
LONGEST_LINE = 2**16  # bytes of a path on standard input
MOST_BYTES = 2**28  # of a file: some of Pillow's readers take all of it in
JPEGS = ("JPEG", "MPO")  # the second: several pictures in one file, the first of which is read
MOST_DECODED = 2**26  # pixels: some 500 MB for what is transparent
MOST_PIXELS = 2**21  # of an image that keeps its size, about 1920 x 1080; a larger one is shrunk to so many
SMALLEST = 4  # pixels a side of an image that keeps its size
KEEP = "keep"  # the manifest's word for that
WHOLE_SIZE = "whole_size"  # in the info of an image that was decoded reduced: (width, height) of the whole, upright
LYING = [TURNS[value] for value in (5, 6, 7, 8)]  # width and height change places


def expand(arguments):
    """Returns an iterator over the image files that arguments name.

    A file is itself, a folder the images in it, a pattern with * ? [ or ** the files that it matches, both in natural
    order; '-' is standard input, a path a line, read as they come. A file that does not exist is returned as well:
    reading it gives the error, in its turn.

    Raises:
        UserError: a folder holds no image, or a pattern matches no file.
    """
    return itertools.chain.from_iterable([_expand(argument) for argument in arguments])


def _expand(argument):
    path = Path(argument)
    if str(argument) == "-":
        return _standard_input()
    if os.path.isdir(path):
        return _images_in(path)
    if set(str(path)) & set("*?[") and not os.path.lexists(path):
        found = [Path(match) for match in set(_matches(path.parts)) if os.path.isfile(match)]
        if not found:
            raise UserError(f"no file matches {path}; check the pattern")
        return sorted(found, key=natural_key)
    return [path]


def _matches(parts: tuple[str, ...]):
    """Yields the paths that a pattern of these parts matches. ** enters no folder that is a link: it may lead back."""
    if "**" not in parts:
        yield from glob.glob(os.path.join(*parts))
        return
    at = parts.index("**")
    for top in _matches(parts[:at]) if at else [""]:
        for folder, folders, _ in os.walk(top or "."):
            folders[:] = [name for name in folders if not name.startswith(".")]
            inside = os.path.relpath(folder) if not top else folder
            yield from _matches((glob.escape(inside), *(parts[at + 1 :] or ("*",))))


def _images_in(folder: Path) -> list[Path]:
    try:
        found = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    except OSError as error:
        raise UserError(f"the folder {folder} cannot be read: {one_line(error)}; name another folder") from None
    if not found:
        raise UserError(f"the folder {folder} holds no image ({' '.join(SUFFIXES)}); name another folder or a file")
    return sorted(found, key=natural_key)


def _standard_input():
    if sys.stdin is None:
        raise UserError("- asks for standard input, which is closed; name files, or pipe their names in")
    try:  # a reader of our own: the end of a program waits for the lock of sys.stdin, which a thread may hold
        return _paths(open(sys.stdin.fileno(), "rb", closefd=False))
    except (AttributeError, OSError):  # it is no file
        return _paths(sys.stdin.buffer)


def _paths(lines):
    while line := lines.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise UserError(f"a line of standard input has more than {LONGEST_LINE:,} bytes; write a path on each line")
        if name := line.rstrip(b"\r\n"):
            yield Path(os.fsdecode(name))


def natural_key(path: Path) -> list:
    """Returns a sorting key by which 2.png comes before 10.png."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path).lower())]


def open_image(path, rule: Input | None = None) -> Image.Image:
    """Returns a decoded image, upright, as 'L' or 'RGB'. What is transparent stands on black.

    Sixteen bits a pixel become eight by their depth, whatever is in them: 65535 is white, in 32 bits too. Real numbers
    that are all at most 1, or hardly more, are shares of white; others are from 0 to 255. Larger ones are refused. Of
    EXIF the orientation alone is read. (`train.data.images.decode`.)

    Args:
        path: of the file, or the file, open.
        rule: the manifest's input, which the image is read for. A JPEG is then decoded at a half, a quarter or an
            eighth of its size, as long as that leaves at least `needed_size`, and at once in grey where that is 'L': a
            photograph of 12 million pixels takes 9 MB instead of 36, or 3. `whole_size` tells its size. Once it is
            resized, its pixels are those of the whole to 0.2 of 255 on average, and to 3 at most in photographs. Where
            no half is enough, and in other formats, an image is decoded as it is.

    Raises:
        UserError: the file is missing, no image, damaged, or has more than `MOST_DECODED` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of odd files; what matters comes as an exception
            with path if hasattr(path, "read") else open_file(path, MOST_BYTES) as file:
                return decoded(file, rule)
    except FileNotFoundError:
        raise UserError(f"no such file: {path}; check the path") from None
    except Exception as error:  # on a damaged file Pillow's readers raise almost anything
        reason = "not an image" if isinstance(error, Image.UnidentifiedImageError) else one_line(error)
        raise UserError(f"{path} cannot be read as an image: {reason}; replace the file") from error


def decoded(file, rule: Input | None = None) -> Image.Image:
    """Returns the image in an open file, as `open_image` does; whatever Pillow raises where it is damaged."""
    with Image.open(file, formats=FORMATS) as image:
        whole = image.size
        if rule and image.format in JPEGS:
            _reduce(image, needed_size(whole[::-1], rule)[::-1], rule.colour)
        if image.width * image.height > MOST_DECODED:
            raise ValueError(f"{image.width} x {image.height} pixels, more than {MOST_DECODED:,}")
        reduced = image.size != whole
        image.load()
        turn = turn_of(image)
        plain = plain_image(image)
    upright = plain.transpose(turn) if turn is not None else plain
    if reduced:
        upright.info[WHOLE_SIZE] = whole[::-1] if turn in LYING else whole
    return upright


def _reduce(image: Image.Image, least, colour: str):
    """Has a JPEG decoded at a fraction of its size that leaves at least (width, height); or as it is."""
    if all(2 * needed <= side for needed, side in zip(least, image.size)):
        image.draft("L" if colour == "L" else "RGB", least)


def whole_size(image: Image.Image) -> tuple[int, int]:
    """Returns the (width, height) of an image as its user knows it, however it was decoded."""
    return image.info.get(WHOLE_SIZE, image.size)


class Fit:
    """How an image of one size comes to lie in the model's input, by the manifest's rule.

    'stretch' fills the input whatever the aspect ratio. The others keep the ratio and centre the image: 'fit' makes it
    as large as fits, with black beside it; 'pad' never enlarges it, and repeats its border beside it.

    Attributes:
        scale: (vertical, horizontal), input pixels per image pixel.
        offset: (row, column) in the input of the image's first pixel.
        size: (height, width) that the image takes up in the input.
    """

    def __init__(self, image_size, input_size, rule: str):
        scale = tuple(n / m for n, m in zip(input_size, image_size))
        if rule != "stretch":
            scale = (min(*scale, 1.0 if rule == "pad" else math.inf),) * 2
        self.size = tuple(max(1, min(n, round(m * s))) for n, m, s in zip(input_size, image_size, scale))
        self.scale = tuple(n / m for n, m in zip(self.size, image_size))  # in whole pixels, and so not quite `scale`
        self.offset = tuple((n - m) // 2 for n, m in zip(input_size, self.size))

    def to_image(self, row, column) -> tuple[float, float]:
        """Returns where a position in the input lies in the image, (row, column)."""
        return tuple((value - o) / s for value, o, s in zip((row, column), self.offset, self.scale))


def read_size(size, rule: Input) -> tuple[int, int]:
    """Returns the (height, width) at which an image of a size, (height, width), is read."""
    if rule.resize != KEEP:
        return rule.size
    scale = min(1.0, math.sqrt(MOST_PIXELS / math.prod(size)))
    return tuple(max(1, round(side * scale)) for side in size)


def model_pixels(image: Image.Image, rule: Input, name="the image") -> np.ndarray:
    """Returns an image as the manifest's input wants it: [H, W, C] uint8.

    Args:
        image: of any size.
        rule: the manifest's input.
        name: what to call the image where it is too small.

    Raises:
        UserError: it keeps its size, and has less than `SMALLEST` pixels a side.
    """
    height, width = read_size(whole_size(image)[::-1], rule)
    image = in_colour(image, rule.colour)
    if rule.resize == KEEP:
        if min(image.size) < SMALLEST:
            raise UserError(
                f"{name} has {image.width} x {image.height} pixels, and {SMALLEST} a side are the least; "
                "use a larger one"
            )
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(image).reshape(height, width, -1)
    if image.size == (width, height):
        return np.asarray(image).reshape(height, width, -1)
    fit = Fit((image.height, image.width), (height, width), rule.resize)
    resized = np.asarray(image.resize(fit.size[::-1], Image.Resampling.BILINEAR)).reshape(*fit.size, -1)
    beside = [(offset, n - offset - m) for n, offset, m in zip((height, width), fit.offset, fit.size)]
    return np.pad(resized, [*beside, (0, 0)], "edge" if rule.resize == "pad" else "constant")


def needed_size(size, rule: Input) -> tuple[int, int]:
    """Returns how many pixels, (height, width), of an image of `size` the manifest's input can make use of.

    Those at which it is read where it keeps its size, so that none is enlarged; else twice the input's, to be safe.
    """
    return read_size(size, rule) if rule.resize == KEEP else (2 * max(rule.size),) * 2


def load_image(path, rule: Input) -> np.ndarray:
    """Returns an image file as the manifest's input wants it: [H, W, C] uint8; see `open_image` for errors."""
    return model_pixels(open_image(path, rule), rule, path)
