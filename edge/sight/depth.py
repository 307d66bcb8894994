"""Images of any mode and depth as eight bits of grey or colour: the rule of `open_image`."""

import numpy as np
from PIL import Image

MOST_SHARE = 1.5  # of white, where real numbers are shares of it: sharpening and resizing go beyond 1
MOST_REAL = 256.0  # of real numbers: a little more than white, as resizing leaves it
STRIP = 2**20  # pixels that are converted at a time
BT709 = (0.2126, 0.7152, 0.0722, 0)  # shares of red, green and blue in grey, and an offset
TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")  # modes


def plain_image(image: Image.Image) -> Image.Image:
    """Returns an image of any mode as 'L' or 'RGB', made of strips: an image of 64 million pixels leaves no room.

    ValueError where its values are of a scale that nobody can know.
    """
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


def in_colour(image: Image.Image, colour: str) -> Image.Image:
    """Returns an image of `plain_image` as the manifest's `input.colour` says."""
    if colour != "BT709":
        return image.convert(colour)
    return image.convert("L", BT709) if image.mode == "RGB" else image.convert("L")


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
