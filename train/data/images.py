"""Image files as they come: any mode and depth, turned by EXIF, large."""

import io
import zipfile
import zlib

import numpy as np
from PIL import Image

from train.errors import UserError

UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError),
    *(KeyError, zlib.error, zipfile.BadZipFile),  # from a zip
)
FORMATS = ("BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")  # others may start programs
MOST_DECODED = 2**26  # pixels
STRIP = 2**20  # pixels that are converted at a time
ORIENTATION = 0x0112  # EXIF's tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by that tag's value
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
    them; 65535 is white, and so are larger ones of 32 bits. Real numbers that are all at most 1 are shares of white;
    others are from 0 to 255. Of EXIF the orientation alone is read.

    Raises:
        one of `UNREADABLE`: it is no image, is damaged, or has more than `MOST_DECODED` pixels.
    """
    try:
        picture = _decoded(data)
    except UNREADABLE:
        raise
    except Exception as error:  # on a damaged file Pillow's readers raise almost anything
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return picture.convert("L" if channels == 1 else "RGB")


def _decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MOST_DECODED:
            raise ValueError(f"{image.width} x {image.height} pixels, more than {MOST_DECODED:,}")
        image.load()
        turn = _turn(image)
        plain = _plain(image)
    return plain.transpose(turn) if turn is not None else plain


def _turn(image: Image.Image):
    """Returns how an image is turned upright, or None."""
    try:
        return TURNS.get(image.getexif().get(ORIENTATION))
    except Exception:  # damaged EXIF says nothing of the pixels
        return None


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
    """Returns the value that is white in an image of more than eight bits; None for one of eight."""
    if image.mode.startswith("I"):
        return 65535.0
    if image.mode != "F":
        return None
    values = np.asarray(image)
    return 1.0 if values.max(initial=0, where=np.isfinite(values)) <= 1 else 255.0
