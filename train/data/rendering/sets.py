"""Many pictures at once: in every process that the machine has a core for, and from disk the second time."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import joblib
import numpy as np

from train.data.rendering import cache
from train.data.rendering.backgrounds import render_background
from train.data.rendering.layout import LENGTHS
from train.data.rendering.scenes import Rendering, render_crop, render_photograph
from train.progress import log

SPLIT_SEEDS = {"train": 1, "validation": 2, "test": 3}
CHUNK = 4_000_000  # pixels that a worker draws in one go: about half a second of work
EMPTY = -1  # in digits, after the last
# (height, width) of photographs: few different ones, so that those of one size can be read together.
PHOTOGRAPH_SIZES = (
    *((128, 192), (128, 256), (192, 256), (192, 384), (256, 256)),
    *((256, 384), (256, 512), (384, 512), (512, 512)),
)


@dataclass(frozen=True)
class PictureSet:
    """Rendered pictures of house numbers.

    Attributes:
        images: grey; uint8 [n, H, W], or where sizes differ a list of n arrays [H_i, W_i].
        digits: int8 [n, 5], `EMPTY` after the last one.
        boxes: float32 [n, 4], (left, top, right, bottom) of the whole number in pixels of its image.
    """

    images: np.ndarray | list[np.ndarray]
    digits: np.ndarray
    boxes: np.ndarray

    @property
    def numbers(self) -> list[list[int]]:
        """The digits of each number, in reading order."""
        return [row[row != EMPTY].tolist() for row in self.digits]


def load_crops(split: str, count: int, size, looseness: float = 1.0, folder: Path | None = None) -> PictureSet:
    """Returns the first `count` crops of a split, from disk if they were made before.

    Crop i depends on the split, i, the size and the looseness alone.

    Args:
        split: "train", "validation" or "test"; each has type faces and random numbers of its own.
        count: number of crops.
        size: (height, width).
        looseness: how much is around the numbers, see `render_crop`.
        folder: where sets are kept; `cache.FOLDER` unless said otherwise.
    """
    size = tuple(size)
    render = partial(_crop, split, size, looseness)
    path = cache.path_of(folder or cache.FOLDER, f"crops_{split}", split, count, size, looseness)
    made = _load(path, render, [size] * count)
    return PictureSet(made["pixels"].reshape(count, *size), made["digits"], made["boxes"])


def load_backgrounds(split: str, count: int, size, folder: Path | None = None) -> PictureSet:
    """Returns the first `count` windows of a split with nothing to read in them, as `load_crops` does: no digits."""
    size = tuple(size)
    path = cache.path_of(folder or cache.FOLDER, f"backgrounds_{split}", split, count, size)
    made = _load(path, partial(_background, split, size), [size] * count)
    return PictureSet(made["pixels"].reshape(count, *size), made["digits"], made["boxes"])


def load_photographs(split: str, count: int, folder: Path | None = None) -> PictureSet:
    """Returns the first `count` photographs of a split, of the sizes `PHOTOGRAPH_SIZES`, as `load_crops` does."""
    sizes = [_photograph_size(_generator(split, 1, i)) for i in range(count)]
    path = cache.path_of(folder or cache.FOLDER, f"photographs_{split}", split, count)
    made = _load(path, partial(_photograph, split), sizes)
    ends = np.cumsum(np.prod(sizes, axis=1))[:-1]
    images = [pixels.reshape(size) for pixels, size in zip(np.split(made["pixels"], ends), sizes)]
    return PictureSet(images, made["digits"], made["boxes"])


def render_all(render, sizes, workers: int | None = None) -> dict[str, np.ndarray]:
    """Returns pictures 0, 1, 2, ..., drawn by `workers` processes: one a core, unless said otherwise.

    Args:
        render: a function, which can be pickled: index -> `Rendering`.
        sizes: the (height, width) of each picture that it will return.
        workers: number of processes; 1 draws in this one.

    Returns:
        `pixels` uint8 [sum of height * width], one picture after the other, and the `digits` and `boxes` of
        `PictureSet`.
    """
    counts = np.prod(sizes, axis=1)
    ends = np.cumsum(counts)
    pixels = np.empty(ends[-1], np.uint8)
    digits, boxes = np.empty((len(sizes), len(LENGTHS)), np.int8), np.empty((len(sizes), 4), np.float32)
    step = max(1, int(CHUNK // counts.mean()))
    chunks = [slice(start, min(start + step, len(sizes))) for start in range(0, len(sizes), step)]
    # joblib's workers start without importing the program that starts them, and so without TensorFlow.
    parallel = joblib.Parallel(min(workers or joblib.cpu_count(), len(chunks)), return_as="generator")
    for chunk, made in zip(chunks, parallel(joblib.delayed(_render_chunk)(render, chunk) for chunk in chunks)):
        pixels[ends[chunk.start] - counts[chunk.start] : ends[chunk.stop - 1]] = made[0]
        digits[chunk], boxes[chunk] = made[1:]
    return {"pixels": pixels, "digits": digits, "boxes": boxes}


def _load(path: Path, render, sizes) -> dict[str, np.ndarray]:
    arrays = cache.read(path)
    if arrays is None:
        log.info("rendering %d pictures; the next run finds them as %s", len(sizes), path)
        arrays = render_all(render, sizes)
        cache.write(path, arrays)
    return arrays


def _render_chunk(render, chunk: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    made = [render(index) for index in range(chunk.start, chunk.stop)]
    digits = np.full((len(made), len(LENGTHS)), EMPTY, np.int8)
    for row, rendering in zip(digits, made):
        row[: len(rendering.label)] = rendering.label
    pixels = np.concatenate([rendering.image.ravel() for rendering in made])
    return pixels, digits, np.stack([rendering.box for rendering in made])


def _crop(split: str, size, looseness: float, index: int) -> Rendering:
    return render_crop(_generator(split, 0, index), size, split, looseness)


def _background(split: str, size, index: int) -> Rendering:
    return render_background(_generator(split, 2, index), size, split)


def _photograph(split: str, index: int) -> Rendering:
    rng = _generator(split, 1, index)
    return render_photograph(rng, _photograph_size(rng), split)


def _photograph_size(rng) -> tuple[int, int]:
    """Returns (height, width): the first that is drawn for a photograph."""
    return PHOTOGRAPH_SIZES[rng.integers(len(PHOTOGRAPH_SIZES))]


def _generator(split: str, kind: int, index: int) -> np.random.Generator:
    return np.random.default_rng([SPLIT_SEEDS[split], index, kind])
