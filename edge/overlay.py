"""A picture of what was looked at: the image, the saliency as heat, the patches as boxes, and the reading."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from edge.errors import UserError, one_line
from edge.images import Fit
from edge.result import Result

HEAT = np.array([[0, 0, 0], [120, 0, 120], [230, 40, 20], [255, 220, 60]], np.float32)  # RGB from no saliency to most
BOX_COLOUR = (60, 255, 120)


def draw(image: Image.Image, result: Result, manifest: dict) -> Image.Image:
    """Returns the overlay, of the image's own size; boxes are the patches in the image's pixels."""
    fit = Fit((image.height, image.width), manifest["input"]["size"], manifest["input"]["resize"])
    picture = image.convert("RGB")
    if result.saliency is not None:
        picture = _heated(picture, result.saliency, manifest["cells"], fit)
    pen = ImageDraw.Draw(picture)
    thickness = max(1, min(image.size) // 150)
    for box in patch_boxes(result, manifest, fit):
        pen.rectangle(box, outline=BOX_COLOUR, width=thickness)
    _write(pen, f"{result.prediction}  {result.probability:.0%}", min(32, max(10, image.height // 8)))
    return picture


def patch_boxes(result: Result, manifest: dict, fit: Fit) -> list:
    """Returns (left, top, right, bottom) of every patch in the image's pixels, right and bottom inclusive."""
    if result.cells is None:
        return []
    boxes = []
    starts = result.cells * manifest["cells"]["stride"] + manifest["patch"]["origin"]
    for row, column in starts:
        top, left = fit.to_image(row, column)
        bottom, right = fit.to_image(row + manifest["patch"]["size"][0], column + manifest["patch"]["size"][1])
        boxes.append((round(left), round(top), max(round(left), round(right) - 1), max(round(top), round(bottom) - 1)))
    return boxes


def _heated(picture, saliency, cells, fit):
    """Returns the picture with each cell's saliency around the centre of the cell's field."""
    strength = saliency / max(float(saliency.max()), 1e-12)
    shape = np.array(saliency.shape)
    first = np.array(cells["offset"]) + (np.array(cells["field"]) - cells["stride"]) / 2
    top, left = fit.to_image(*first)
    bottom, right = fit.to_image(*(first + shape * cells["stride"]))
    size = (max(1, round(right - left)), max(1, round(bottom - top)))
    heat = Image.fromarray((strength * 255).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
    canvas = Image.new("L", picture.size)
    canvas.paste(heat, (round(left), round(top)))
    strength = np.asarray(canvas, np.float32) / 255
    position = strength * (len(HEAT) - 1)
    colour = np.stack([np.interp(position, range(len(HEAT)), HEAT[:, c]) for c in range(3)], axis=-1)
    share = 0.6 * strength[..., None]
    return Image.fromarray((np.asarray(picture) * (1 - share) + colour * share).astype(np.uint8))


def _write(pen, text, size):
    box = pen.textbbox((2, 1), text, font_size=size)
    pen.rectangle((0, 0, box[2] + 2, box[3] + 2), fill=(0, 0, 0))
    pen.text((2, 1), text, fill=(255, 255, 255), font_size=size)


class OverlayFolder:
    """Writes overlays into a folder, each named like its image; a second image of that name gets a number.

    Raises:
        UserError: the folder cannot be made.
    """

    def __init__(self, directory):
        self.directory = Path(directory)
        self._used = set()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"--overlay: {self.directory} cannot be made: {one_line(error)}; name another folder"
            ) from None

    def save(self, picture: Image.Image, path: Path) -> Path:
        """Writes the overlay of the image at `path` as PNG, whole or not at all, and returns where."""
        name, number = f"{path.stem}.png", 2
        while name in self._used:
            name, number = f"{path.stem}-{number}.png", number + 1
        self._used.add(name)
        partial = self.directory / f".{name}.partial"
        try:
            picture.save(partial, format="PNG")
            partial.replace(self.directory / name)
        except OSError as error:
            raise UserError(f"--overlay: {self.directory / name} cannot be written: {one_line(error)}") from None
        finally:
            partial.unlink(missing_ok=True)
        return self.directory / name
