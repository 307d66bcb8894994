"""Many pictures at once: in every process that the machine has a core for, and from disk the second time."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import joblib
import numpy as np

from train.data.rendering import cache
from train.data.rendering.backgrounds import render_background
from train.data.rendering.layout import LENGTHS, MAX_DIGITS
from train.data.rendering.scenes import ANYWHERE, STREET, Rendering, render_crop, render_photograph
from train.data.rendering.training_scenes import HEIGHTS, SIZE, render_scene
from train.progress import Progress, log

SPLIT_SEEDS = {"train": 1, "validation": 2, "test": 3}
CHUNK = 4_000_000  # pixels that a worker draws in one go: about half a second of work
EMPTY = -1  # in digits, after the last
# (height, width) of photographs: few different ones, so that those of one size can be read together.
PHOTOGRAPH_SIZES = (
    *((128, 192), (128, 256), (192, 256), (192, 384), (256, 256)),
    *((256, 384), (256, 512), (384, 512), (512, 512)),
)
# The same from 96 to 640 pixels a side: small pictures, a camera's frames, and what is upright.
ANY_SIZES = (
    *((96, 96), (96, 160), (128, 224), (160, 320), (192, 128), (240, 320), (256, 384)),
    *((320, 240), (320, 480), (288, 512), (416, 416), (480, 640), (640, 480), (640, 640)),
)


@dataclass(frozen=True)
class PictureSet:
    """Rendered pictures of house numbers.

    Attributes:
        images: grey; uint8 [n, H, W], or where sizes differ a list of n arrays [H_i, W_i].
        digits: int8 [n, MAX_DIGITS], `EMPTY` after the last one.
        boxes: float32 [n, 4], (left, top, right, bottom) of the whole number in pixels of its image.
        digit_boxes: float32 [n, MAX_DIGITS, 4], the same of each digit, zeros after the last one. A digit's box may
            reach beyond its image.
        styles: string [n], what each number is, see `Rendering`.
    """

    images: np.ndarray | list[np.ndarray]
    digits: np.ndarray
    boxes: np.ndarray
    digit_boxes: np.ndarray
    styles: np.ndarray

    @property
    def numbers(self) -> list[list[int]]:
        """The digits of each number, in reading order."""
        return [row[row != EMPTY].tolist() for row in self.digits]


def load_crops(split: str, count: int, size, looseness: float = 1.0, *, lengths=LENGTHS) -> PictureSet:
    """Returns the first `count` crops of a split, from disk if they were made before.

    Crop i depends on the split, i, the size, the looseness and the lengths alone.

    Args:
        split: "train", "validation" or "test"; each has type faces and random numbers of its own.
        size: (height, width).
        looseness: how much is around the numbers, see `render_crop`.
        lengths: the shares of numbers with 1, 2, ... digits.
    """
    size, lengths = tuple(size), tuple(lengths)
    render = partial(_crop, split, size, looseness, lengths)
    path = cache.path_of(f"crops_{split}", split, count, size, looseness, lengths)
    return _load(path, render, [size] * count)


def load_backgrounds(split: str, count: int, size) -> PictureSet:
    """Returns the first `count` windows of a split with nothing to read in them, as `load_crops` does: no digits."""
    size = tuple(size)
    path = cache.path_of(f"backgrounds_{split}", split, count, size)
    return _load(path, partial(_background, split, size), [size] * count)


def load_photographs(
    split: str, count: int, *, sizes=PHOTOGRAPH_SIZES, lengths=LENGTHS, painted: bool = True
) -> PictureSet:
    """Returns the first `count` photographs of a split, as `load_crops` does, in a list.

    Args:
        sizes: the (height, width) that are drawn from. Numbers are as large as on SVHN's photographs in those of
            `PHOTOGRAPH_SIZES`, and from 16 pixels to 45 % of the height in those of others, `ANY_SIZES` for example.
        lengths: the shares of numbers with 1, 2, ... digits.
        painted: whether the numbers are there. Without them photograph i is the same otherwise.
    """
    sizes, lengths = tuple(map(tuple, sizes)), tuple(lengths)
    kind = 1 if sizes == PHOTOGRAPH_SIZES else 3
    drawn = [_photograph_size(_generator(split, kind, i), sizes) for i in range(count)]
    name = f"photographs_{split}" if painted else f"empty_photographs_{split}"
    path = cache.path_of(name, split, count, sizes, lengths, painted)
    return _load(path, partial(_photograph, split, kind, sizes, lengths, painted), drawn, always_list=True)


def load_scenes(
    split: str, count: int, size=SIZE, *, lengths=LENGTHS, styles=None, heights=HEIGHTS, painted: bool = True
) -> PictureSet:
    """Returns the first `count` pictures of a split to cut training windows from, as `load_crops` does.

    Args:
        size: (height, width).
        lengths: the shares of numbers with 1, 2, ... digits.
        styles: the share of each kind of number by its length, see `render_scene`.
        heights: the least and the largest height of digits, in heights of the picture.
        painted: whether the numbers are there. Without them picture i is the same otherwise.
    """
    size, lengths, heights = tuple(size), tuple(lengths), tuple(heights)
    styles = styles or {}
    name = f"scenes_{split}" if painted else f"empty_scenes_{split}"
    facts = split, count, size, lengths, list(styles.items()), heights, painted
    path = cache.path_of(name, *facts)
    render = partial(render_scene, size=size, lengths=lengths, styles=styles, heights=heights, painted=painted)
    return _load(path, partial(_scene, split, render), [size] * count)


def render_all(render, sizes, workers: int | None = None) -> dict[str, np.ndarray]:
    """Returns pictures 0, 1, 2, ..., drawn by `workers` processes: one a core, unless said otherwise.

    Args:
        render: a function, which can be pickled: index -> `Rendering`.
        sizes: the (height, width) of each picture that it will return.
        workers: number of processes; 1 draws in this one.

    Returns:
        `pixels` uint8 [sum of height * width], one picture after the other, and all but the images of `PictureSet`.
    """
    counts = np.prod(sizes, axis=1)
    ends = np.cumsum(counts)
    step = max(1, int(CHUNK // counts.mean()))
    chunks = [slice(start, min(start + step, len(sizes))) for start in range(0, len(sizes), step)]
    # joblib's workers start without importing the program that starts them, and so without TensorFlow.
    parallel = joblib.Parallel(min(workers or joblib.cpu_count(), len(chunks)), return_as="generator")
    pixels, facts = np.empty(ends[-1], np.uint8), []
    progress = Progress("rendering", len(sizes), "pictures")
    for chunk, made in zip(chunks, parallel(joblib.delayed(_render_chunk)(render, chunk) for chunk in chunks)):
        pixels[ends[chunk.start] - counts[chunk.start] : ends[chunk.stop - 1]] = made.pop("pixels")
        facts.append(made)
        progress.advance(len(made["digits"]))
    return {"pixels": pixels} | {name: np.concatenate([made[name] for made in facts]) for name in facts[0]}


def _load(path: Path, render, sizes, always_list: bool = False) -> PictureSet:
    """Returns pictures of `sizes`: an array, or a list where a list is always wanted, or where sizes differ."""
    arrays = cache.read(path)
    if arrays is None:
        log.info("rendering %d pictures; the next run finds them as %s", len(sizes), path)
        arrays = render_all(render, sizes)
        cache.write(path, arrays)
    pixels = arrays.pop("pixels")
    if not always_list and len(set(sizes)) == 1:
        return PictureSet(pixels.reshape(len(sizes), *sizes[0]), **arrays)
    ends = np.cumsum(np.prod(sizes, axis=1))[:-1]
    return PictureSet([part.reshape(size) for part, size in zip(np.split(pixels, ends), sizes)], **arrays)


def _render_chunk(render, chunk: slice) -> dict[str, np.ndarray]:
    made = [render(index) for index in range(chunk.start, chunk.stop)]
    digits = np.full((len(made), MAX_DIGITS), EMPTY, np.int8)
    digit_boxes = np.zeros((len(made), MAX_DIGITS, 4), np.float32)
    for row, boxes, rendering in zip(digits, digit_boxes, made):
        row[: len(rendering.label)] = rendering.label
        boxes[: len(rendering.label)] = rendering.boxes
    return {
        "pixels": np.concatenate([rendering.image.ravel() for rendering in made]),
        "digits": digits,
        "boxes": np.stack([rendering.box for rendering in made]),
        "digit_boxes": digit_boxes,
        "styles": np.array([rendering.style for rendering in made], "U16"),
    }


def _crop(split: str, size, looseness: float, lengths, index: int) -> Rendering:
    return render_crop(_generator(split, 0, index), size, split, looseness, lengths)


def _background(split: str, size, index: int) -> Rendering:
    return render_background(_generator(split, 2, index), size, split)


def _photograph(split: str, kind: int, sizes, lengths, painted: bool, index: int) -> Rendering:
    rng = _generator(split, kind, index)
    framing = STREET if kind == 1 else ANYWHERE
    size = _photograph_size(rng, sizes)
    return render_photograph(rng, size, split, lengths=lengths, framing=framing, painted=painted)


def _scene(split: str, render, index: int) -> Rendering:
    return render(_generator(split, 4, index), split=split)


def _photograph_size(rng, sizes=PHOTOGRAPH_SIZES) -> tuple[int, int]:
    """Returns (height, width): the first that is drawn for a photograph."""
    return sizes[rng.integers(len(sizes))]


def _generator(split: str, kind: int, index: int) -> np.random.Generator:
    return np.random.default_rng([SPLIT_SEEDS[split], index, kind])
