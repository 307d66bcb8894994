"""A picture of what was looked at: the image, the saliency as heat, the patches as boxes, and the reading."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from edge.bundle.manifest import Cells, Manifest
from edge.errors import FULL, UserError, WorkError, one_line
from edge.network.result import Result
from edge.output import refused, replacing
from edge.sight.images import Fit, expand, read_size

HEAT = np.array([[0, 0, 0], [120, 0, 120], [230, 40, 20], [255, 220, 60]], np.float32)  # RGB from no saliency to most
SUFFIX = ".png"
SHARE = 0.6  # of the most salient cell's heat in its picture
SMALLEST = 200  # pixels of an overlay's longer side
ROWS = 256  # of a picture that are worked on at a time, to save memory
PATCH_COLOUR = (60, 255, 120)
BOX_COLOUR = (255, 80, 220)


def draw(image: Image.Image, result: Result, manifest: Manifest) -> Image.Image:
    """Returns the overlay: the image in its own pixels, its patches as boxes, and below it a strip with the reading.

    With levels the box of what was read is drawn, and the patches as large as they are on their levels; no saliency.
    A tiny image is enlarged by a whole factor until its longer side has `SMALLEST` pixels.
    """
    factor = max(1, -(-SMALLEST // max(image.size)))
    width, height = image.width * factor, image.height * factor
    text = f"{result.prediction or 'nothing to read'}  {result.probability:.0%}"
    font_size = min(32, max(12, height // 12))
    right, bottom = ImageDraw.Draw(Image.new("RGB", (1, 1))).textbbox((4, 3), text, font_size=font_size)[2:]
    picture = Image.new("RGB", (max(width, int(right) + 4), height + int(bottom) + 4))
    picture.paste(image if factor == 1 else image.resize((width, height), Image.Resampling.NEAREST))
    fit = Fit((height, width), read_size(image.size[::-1], manifest.input), manifest.input.resize)
    if result.saliency is not None and not manifest.levels:
        _heat(picture, (width, height), result.saliency, manifest.cells, fit)
    pen = ImageDraw.Draw(picture)
    thickness = max(1, min(width, height) // 150)
    for box in patch_boxes(result, manifest, fit):
        pen.rectangle(box, outline=PATCH_COLOUR, width=thickness)
    if result.box is not None:
        pen.rectangle(inclusive(result.box, fit), outline=BOX_COLOUR, width=2 * thickness)
    pen.rectangle((width, 0, picture.width, height), fill=0)
    pen.rectangle((0, height, *picture.size), fill=0)
    pen.text((4, height + 3), text, fill=(255, 255, 255), font_size=font_size)
    return picture


def patch_boxes(result: Result, manifest: Manifest, fit: Fit) -> list:
    """Returns (left, top, right, bottom) of every patch in the image's pixels, right and bottom inclusive."""
    if result.cells is None or not len(result.cells):
        return []
    if result.patch_boxes is not None:
        return [inclusive(box, fit) for box in result.patch_boxes]
    starts = result.cells * manifest.cells.stride + np.array(manifest.patch.origin)
    return [
        inclusive((column, row, column + manifest.patch.size[1], row + manifest.patch.size[0]), fit)
        for row, column in starts
    ]


def inclusive(box, fit: Fit) -> tuple:
    """Returns a box of the input, (left, top, right, bottom), in the image's pixels, right and bottom inclusive."""
    top, left = fit.to_image(box[1], box[0])
    bottom, right = fit.to_image(box[3], box[2])
    return round(left), round(top), max(round(left), round(right) - 1), max(round(top), round(bottom) - 1)


def strengths(saliency: np.ndarray) -> Image.Image:
    """Returns a saliency map [h, w] as a grey picture of a pixel a cell, its maximum white."""
    return Image.fromarray((saliency / max(float(saliency.max()), 1e-12) * 255).astype(np.uint8))


def as_heat(strength: Image.Image) -> Image.Image:
    """Returns a grey picture as heat that lies over another picture: RGBA, opaque by at most `SHARE`."""
    steps = np.linspace(0, len(HEAT) - 1, 256)
    colours = [np.interp(steps, range(len(HEAT)), HEAT[:, channel]).astype(int).tolist() for channel in range(3)]
    share = [round(SHARE * value) for value in range(256)]
    return Image.merge("RGBA", [strength.point(table) for table in (*colours, share)])


def _heat(picture, size, saliency, cells: Cells, fit):
    """Lays each cell's saliency around the centre of its field over the picture, a few rows at a time."""
    first = np.array(cells.offset) + (np.array(cells.field) - cells.stride) / 2
    top, left = fit.to_image(*first)
    bottom, right = fit.to_image(*(first + np.array(saliency.shape) * cells.stride))
    down, across = saliency.shape[0] / (bottom - top), saliency.shape[1] / (right - left)  # cells per pixel
    strength = strengths(saliency)
    for row in range(0, size[1], ROWS):
        affine = (across, 0, -left * across, 0, down, (row - top) * down)
        strip_size = (size[0], min(ROWS, size[1] - row))
        strip = strength.transform(strip_size, Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
        heat = as_heat(strip)
        picture.paste(heat, (0, row), heat)


class OverlayFolder:
    """Writes overlays into a folder, each named like its image; a second image of that name gets a number.

    Args:
        keep: so many pictures, and as many names in memory; older ones of this run are removed. None: all.

    Raises:
        UserError: the folder cannot be made.
    """

    def __init__(self, directory, keep: int | None = None):
        self.directory, self._keep = Path(directory), keep
        self._written = {}  # the names, in the order in which they were written
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"--overlay: {self.directory} cannot be made: {one_line(error)}; name another folder"
            ) from None

    def check_apart(self, arguments) -> None:
        """Raises UserError where an image that `arguments` name, as `expand` has them, could be overwritten here."""
        folder, apart = self.directory.resolve(), set()
        for path in expand(argument for argument in arguments if str(argument) != "-"):
            if path.suffix == SUFFIX and path.parent not in apart:
                self._refuse(path, path.parent.resolve() == folder)
                apart.add(path.parent)

    def _refuse(self, path: Path, overwritten: bool):
        if overwritten:
            raise UserError(f"--overlay: {path} lies in {self.directory} and could be overwritten; name another folder")

    def save(self, picture: Image.Image, path: Path) -> Path:
        """Writes an image's overlay as PNG, and returns where; WorkError where the disk refuses.

        UserError where it would take the image's own place.
        """
        name, number = f"{path.stem}{SUFFIX}", 2
        while name in self._written:
            name, number = f"{path.stem}-{number}{SUFFIX}", number + 1
        target = self.directory / name
        self._refuse(path, path.exists() and target.exists() and target.samefile(path))
        file = io.BytesIO()
        picture.save(file, format="PNG")
        try:
            with replacing(target) as fresh:
                fresh.write_bytes(file.getbuffer())
            self._written[name] = None
            while self._keep and len(self._written) > self._keep:
                oldest = next(iter(self._written))
                del self._written[oldest]
                (self.directory / oldest).unlink(missing_ok=True)
        except OSError as error:
            if error.errno in FULL:
                raise refused(target, error, file.tell(), "name another folder") from None
            raise WorkError(f"--overlay: {target} cannot be written: {one_line(error)}") from None
        return target
