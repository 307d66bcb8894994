"""Image files as they come: any mode and depth, turned by EXIF, large."""

import io

import numpy as np
from PIL import Image, ImageOps

UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError)


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
