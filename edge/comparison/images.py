"""The images that a benchmark reads: those of the command line, or random ones."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edge.bundle.manifest import Manifest
from edge.comparison.labels import find_labels
from edge.energy.operations import FRAME
from edge.errors import UserError
from edge.sight.images import expand, load_image

RANDOM_IMAGES = 8
SEED = 0


@dataclass(frozen=True)
class Images:
    """The images that are read.

    Attributes:
        paths: of the files; for random images, of files that are removed at the end.
        labels: path -> what is to be read in it, as far as it is known.
        labels_source: where the labels are from, or None.
    """

    paths: list
    labels: dict
    source: str
    labels_source: str | None


def find_images(parsed, manifest: Manifest, stack) -> Images:
    """Returns the images that the command line names, or random ones.

    Args:
        stack: a `contextlib.ExitStack`; on its end random images are removed.

    Raises:
        UserError: an image or the labels cannot be read.
    """
    if parsed.images is None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return Images(_random_images(folder, manifest), {}, "random", None)
    paths = list(expand([parsed.images]))
    if not paths:
        raise UserError(f"--images={parsed.images} names no image; name an image file, a folder or a pattern")
    for path in paths:  # so that a damaged one is told now
        load_image(path, manifest.input)
    labels, source = find_labels(paths, parsed.labels)
    return Images(paths, labels, parsed.images, source)


def _random_images(folder: Path, manifest: Manifest) -> list[Path]:
    """Writes images of blocks of random grey or colour; returns their paths."""
    rng, (height, width) = np.random.default_rng(SEED), FRAME if manifest.levels else manifest.input.size
    paths = [folder / f"{number}.png" for number in range(RANDOM_IMAGES)]
    for path in paths:
        blocks = rng.integers(0, 256, (-(-height // 8), -(-width // 8), manifest.input.channels), np.uint8)
        pixels = blocks.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
        Image.fromarray(pixels.squeeze(axis=2) if pixels.shape[2] == 1 else pixels).save(path)
    return paths
