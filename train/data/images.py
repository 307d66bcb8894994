"""Image files as they come: any mode and depth, turned by EXIF, large."""

import io
import zipfile
import zlib

import numpy as np
from PIL import Image, ImageOps

from train.errors import UserError

UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError),
    *(KeyError, zlib.error, zipfile.BadZipFile),  # from a zip
)


def read_image(read, name: str, channels: int) -> Image.Image:
    """Returns the picture of a file of a data set, as `decode` does.

    Args:
        read: a function: name of a file -> its bytes.
        name: of the file.
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

    Sixteen bits a pixel become eight, which Pillow's own conversion would cut off at 255.

    Raises:
        one of `UNREADABLE`: it is no image, is damaged, or is larger than Pillow's limit.
    """
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.float64)
        image = Image.fromarray((values / (257 if values.max(initial=0) > 255 else 1)).clip(0, 255).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return image.convert("L" if channels == 1 else "RGB")
