"""Image files as they come: any mode and depth, turned by EXIF, large."""

import hashlib
import io
import warnings
import zipfile
import zlib

import numpy as np
from PIL import Image

from train.data.orientation import turn_of
from train.errors import UserError

UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError),
    *(KeyError, zlib.error, zipfile.BadZipFile),  # from a zip
)
FORMATS = ("BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")  # others may start programs
MOST_DECODED = 2**26  # pixels
MOST_SHARE = 1.5  # of white, where real numbers are shares of it: sharpening and resizing go beyond 1
MOST_REAL = 256.0  # of real numbers: a little more than white, as resizing leaves it
STRIP = 2**20  # pixels that are converted at a time
BT709 = (0.2126, 0.7152, 0.0722, 0)  # shares of red, green and blue in grey, and an offset
TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")  # modes


def read_image(read, name: str, channels: int) -> Image.Image:
    """Returns the picture of a file of a data set, as `decode` does.

    Args:
        read: a function: name of a file -> its bytes.
        channels: 1 or 3.

    Raises:
        UserError: the file is missing, or can't be read as an image.
    """
    try:
        return decode(read(name), channels)
    except UNREADABLE as error:
        raise UserError(f"the image {name} can't be read ({error}); mend it or take it out of its list") from error


def decode(data: bytes, channels: int) -> Image.Image:
    """Returns an image file's picture, upright, grey (1 channel) or 'RGB' (3); what is transparent stands on black.

    The device's rule (`edge.sight.images.open_image`): sixteen bits a pixel become eight by their depth, whatever is in
    them; 65535 is white, in 32 bits too. Real numbers that are all at most 1, or hardly more, are shares of white;
    others are from 0 to 255. Larger ones are refused. Of EXIF the orientation alone is read.

    Raises:
        one of `UNREADABLE`: it is no image, is damaged, or has more than `MOST_DECODED` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of odd files; what matters comes as an exception
            picture = _decoded(data)
    except UNREADABLE:
        raise
    except Exception as error:  # on a damaged file Pillow's readers raise almost anything
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return grey(picture) if channels == 1 else picture.convert("RGB")


def grey(picture: Image.Image) -> Image.Image:
    """Returns a picture of mode 'L' or 'RGB' in grey, by the luma of BT.709."""
    return picture.convert("L", BT709) if picture.mode == "RGB" else picture.convert("L")


def is_plain(pixels: np.ndarray) -> bool:
    """Returns whether all pixels of [H, W, C] are of one colour."""
    return bool((pixels == pixels[:1, :1]).all())


def checksum(pixels: np.ndarray) -> bytes:
    """Returns what equal pictures, whatever their files, have in common."""
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()


def _decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MOST_DECODED:
            raise ValueError(f"{image.width} x {image.height} pixels, more than {MOST_DECODED:,}")
        image.load()
        turn = turn_of(image)
        plain = _plain(image)
    return plain.transpose(turn) if turn is not None else plain


def _plain(image: Image.Image) -> Image.Image:
    """Returns an image of any mode as 'L' or 'RGB', made of strips: an image of 64 million pixels leaves no room."""
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    white = _white(image)
    sees_through = white is None and (image.mode in TRANSPARENT or "transparency" in image.info)
    mode = "L" if white or (image.mode in ("1", "L") and not sees_through) else "RGB"
    plain, rows = Image.new(mode, image.size), max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        if white:
            values = np.nan_to_num(np.asarray(strip, np.float64), posinf=white, neginf=0)
            strip = Image.fromarray(np.clip(np.rint(values * (255 / white)), 0, 255).astype(np.uint8))
        elif sees_through:
            strip = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, (0, 0, 0, 255)), strip)
        plain.paste(strip.convert(mode), (0, top))
    return plain


def _white(image: Image.Image) -> float | None:
    """Returns the value that is white in an image of more than eight bits; None for one of eight.

    ValueError for values of 32 bits that no scale is known for: they would be read as white or black without a word.
    """
    if image.mode.startswith("I;"):
        return 65535.0
    if image.mode not in ("I", "F"):
        return None
    least, most = _reach(image)
    if image.mode == "I":
        if least < -32768 or most > 65535:
            raise ValueError(f"its whole numbers reach from {least} to {most}, and white is 65535; save it in 16 bits")
        return 65535.0
    if most > MOST_REAL:
        raise ValueError(f"its real numbers reach {most:g}, and white is 1 or 255; save them as shares of white")
    return 1.0 if most <= MOST_SHARE else 255.0


def _reach(image: Image.Image) -> tuple:
    """Returns the least and the largest finite value of an image, at least from 0 to 0, read in strips."""
    least = most = 0
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        values = np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))))
        finite = values[np.isfinite(values)]
        least, most = min(least, finite.min(initial=0)), max(most, finite.max(initial=0))
    return least, most
