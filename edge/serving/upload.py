"""An image that came in a request: looked at before it is decoded, and bounded."""

import io
import warnings

from PIL import Image

from edge.bundle.manifest import Input
from edge.errors import UserError
from edge.sight.images import open_image

MOST_BYTES = 16 * 2**20
MOST_PIXELS = 50_000_000
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # others may start programs, as PostScript does


class Upload(io.BytesIO):
    """The bytes of an image, which error messages call by a name."""

    def __str__(self):
        return "the body"


def decode(body: bytes, rule: Input | None = None) -> Image.Image:
    """Returns the image of a request's body, see `open_image`; UserError where it is none of `FORMATS`."""
    if not body:
        raise UserError("the body is empty; send the bytes of an image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of large images; the bound is ours
            with Image.open(Upload(body), formats=FORMATS) as image:
                width, height = image.size
    except Exception:  # on damaged bytes Pillow's readers raise almost anything
        raise UserError(f"the body is not an image; send the bytes of a {', '.join(FORMATS)} file") from None
    if width * height > MOST_PIXELS:
        raise UserError(f"the image has {width} x {height} pixels, more than {MOST_PIXELS:,}; send a smaller one")
    return open_image(Upload(body), rule)
