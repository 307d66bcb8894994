"""From image files to the pixels that a model takes."""

import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from edge.errors import UserError, one_line

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def expand(paths) -> list[Path]:
    """Returns the image files that paths name: a file as itself, a folder as the images in it, in natural order.

    A file that does not exist is returned as well: reading it gives the error, in its turn.

    Raises:
        UserError: a folder holds no image.
    """
    files = []
    for path in map(Path, paths):
        if not path.is_dir():
            files.append(path)
            continue
        found = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
        if not found:
            raise UserError(f"the folder {path} holds no image ({' '.join(SUFFIXES)}); name another folder or a file")
        files.extend(sorted(found, key=natural_key))
    return files


def natural_key(path: Path) -> list:
    """Returns a sorting key by which 2.png comes before 10.png."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name.lower())]


def open_image(path) -> Image.Image:
    """Returns a decoded image, upright, as 'L' or 'RGB'. What is transparent stands on black.

    Raises:
        UserError: the file is missing, no image, damaged, or larger than Pillow's limit.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return _plain(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise UserError(f"no such file: {path}; check the path") from None
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        reason = "not an image" if isinstance(error, Image.UnidentifiedImageError) else one_line(error)
        raise UserError(f"{path} cannot be read as an image: {reason}; replace the file") from error


def _plain(image: Image.Image) -> Image.Image:
    """Returns an image of any mode as 'L' or 'RGB'; 16-bit greys are scaled, which Pillow's own conversion clips."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        values = np.asarray(image, np.float64)
        values = values / 257 if image.mode == "I" and values.max(initial=0) > 255 else values
        return Image.fromarray(np.clip(np.rint(np.nan_to_num(values)), 0, 255).astype(np.uint8))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image).convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


class Fit:
    """How an image of one size comes to lie in the model's input, by the manifest's rule.

    'stretch' fills the input whatever the aspect ratio; 'fit' keeps the ratio, centred, with black beside it.

    Attributes:
        scale: (vertical, horizontal), input pixels per image pixel.
        offset: (row, column) in the input of the image's first pixel.
        size: (height, width) that the image takes up in the input.
    """

    def __init__(self, image_size, input_size, rule: str):
        self.scale = tuple(n / m for n, m in zip(input_size, image_size))
        if rule == "fit":
            self.scale = (min(self.scale),) * 2
        self.size = tuple(max(1, min(n, round(m * s))) for n, m, s in zip(input_size, image_size, self.scale))
        self.offset = tuple((n - m) // 2 for n, m in zip(input_size, self.size))

    def to_image(self, row, column) -> tuple[float, float]:
        """Returns where a position in the input lies in the image, (row, column)."""
        return tuple((value - o) / s for value, o, s in zip((row, column), self.offset, self.scale))


def model_pixels(image: Image.Image, manifest: dict) -> np.ndarray:
    """Returns an image as the manifest's input wants it: [H, W, C] uint8."""
    rule = manifest["input"]
    height, width = rule["size"]
    image = image.convert(rule["colour"])
    if image.size == (width, height):
        return np.asarray(image).reshape(height, width, -1)
    fit = Fit((image.height, image.width), (height, width), rule["resize"])
    pixels = np.zeros((height, width, rule["channels"]), np.uint8)
    resized = np.asarray(image.resize(fit.size[::-1], Image.Resampling.BILINEAR))
    top, left = fit.offset
    pixels[top : top + fit.size[0], left : left + fit.size[1]] = resized.reshape(*fit.size, -1)
    return pixels


def load_image(path, manifest: dict) -> np.ndarray:
    """Returns an image file as the manifest's input wants it: [H, W, C] uint8; see `open_image` for errors."""
    return model_pixels(open_image(path), manifest)
