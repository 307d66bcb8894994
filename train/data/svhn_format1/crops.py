"""Cuts SVHN's photographs into what a network is given: crops around the number, and for the test all of it, grey."""

import io
import math
import shutil
import uuid
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from train.data.files_of import DAMAGED
from train.data.images import grey
from train.data.rendering.backgrounds import background_window
from train.data.windows import scene_window
from train.errors import UserError
from train.progress import Progress

VERSION = 2  # raised with every change after which the same photographs give other crops or files
EMPTY = -1  # in digits, after the last
MOST_DIGITS = 8
MARGIN = 0.15  # of a tight crop's width, to the left and to the right of the number
SCENES = "scenes"  # in place of a looseness
BATCH = 256  # photographs handed to the threads at once


@dataclass(frozen=True)
class Numbers:
    """The house numbers of a split.

    Attributes:
        names: bytes [n], as in b"train/1.png".
        digits: int8 [n, MOST_DIGITS], `EMPTY` after the last.
        crops: uint8 [n, H, W], mapped from disk.
        crop_boxes: float32 [n, 4], (left, top, right, bottom) of the whole number in pixels of its crop.
        backgrounds: uint8 [at most n, H, W], windows of the photographs that hold half of the number at most; none
            where crops are tight every time.
        photographs: n arrays uint8 [H_i, W_i], or none where they were not kept.
        boxes: float32 [n, 4], the same in pixels of its photograph.
    """

    names: np.ndarray
    digits: np.ndarray
    crops: np.ndarray
    crop_boxes: np.ndarray
    backgrounds: np.ndarray
    photographs: list[np.ndarray]
    boxes: np.ndarray

    @property
    def sequences(self) -> list[list[int]]:
        """The digits of each, in reading order."""
        return [row[row != EMPTY].tolist() for row in self.digits]


def tight_window(box, rng=None) -> tuple[float, float, float, float]:
    """Returns (left, top, right, bottom) of a tight crop, as SVHN's are: the number's height, its width and margins.

    Args:
        box: (left, top, right, bottom) of the number.
        rng: numpy Generator, for margins that vary as in `train.data.rendering.scenes`; None for the usual ones.
    """
    left, top, right, bottom = box
    before, after = (MARGIN, MARGIN) if rng is None else np.clip(rng.normal(MARGIN, 0.05, 2), 0.04, 0.28)
    width = max(right - left, 1) / (1 - before - after)
    return left - before * width, top, left - before * width + width, max(bottom, top + 1)


def loose_window(box, looseness: float, rng) -> tuple[float, float, float, float]:
    """Returns a tight crop's window, made up to `looseness` times as high and wide (log-uniformly), and shifted."""
    left, top, right, bottom = tight_window(box, rng)
    zoom = math.exp(rng.uniform(0, math.log(looseness)))
    before, above = rng.uniform(0, zoom - 1, 2) * (right - left, bottom - top)
    left, top, width, height = left - before, top - above, (right - left) * zoom, (bottom - top) * zoom
    return left, top, left + width, top + height


def cut(photograph: np.ndarray, window, size) -> np.ndarray:
    """Returns a window of a photograph, stretched to `size`; beyond the photograph its edge is repeated.

    Args:
        photograph: uint8 [H, W].
        window: (left, top, right, bottom).
        size: (height, width) of the result.
    """
    left, top, right, bottom = window
    first_column, first_row = math.floor(left), math.floor(top)
    columns = np.clip(np.arange(first_column, math.ceil(right)), 0, photograph.shape[1] - 1)
    rows = np.clip(np.arange(first_row, math.ceil(bottom)), 0, photograph.shape[0] - 1)
    within = left - first_column, top - first_row, right - first_column, bottom - first_row
    part = Image.fromarray(photograph[rows[:, None], columns])
    return np.asarray(part.resize((size[1], size[0]), Image.Resampling.BICUBIC, within))


def load_numbers(folder: Path) -> Numbers | None:
    """Returns what `write_numbers` wrote into `folder`; None where it is not there, or damaged."""
    try:
        parts = {name: np.load(folder / f"{name}.npy") for name in ("names", "digits", "crop_boxes", "boxes", "sizes")}
        sizes = parts.pop("sizes")
        crops = np.load(folder / "crops.npy", mmap_mode="r")
        backgrounds = np.fromfile(folder / "backgrounds.bin", np.uint8).reshape(-1, *crops.shape[1:])
        pixels = np.fromfile(folder / "photographs.bin", np.uint8)
        flat = np.split(pixels, np.cumsum(sizes.prod(axis=1))[:-1]) if len(pixels) else []
        photographs = [part.reshape(size) for part, size in zip(flat, sizes)]
    except DAMAGED:
        return None
    return Numbers(**parts, crops=crops, backgrounds=backgrounds, photographs=photographs)


def write_numbers(folder: Path, examples, count: int, size, looseness: float | str | None, photographs: bool):
    """Writes the crops of a split into `folder`, whole or not at all.

    The photographs stream through: they are decoded and cut on every core, and never all in memory. A crop depends on
    the photograph's name, not on the order.

    Args:
        examples: of `SvhnFullNumbers`, with undecoded images.
        size: (height, width) of the crops.
        looseness: see `loose_window`; None for the same tight window every time, `SCENES` for windows with as much
            around the number as rendered scenes have (`windows.scene_window`), which nothing stretches.
        photographs: whether whole photographs are kept too.

    Raises:
        UserError: a photograph can't be decoded, or has too many digits.
        OSError: the files can't be written; nothing is left of them.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{folder.name}.*.partial"):  # by one that was interrupted; others are locked out
        shutil.rmtree(left, ignore_errors=True)
    partial = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.partial")
    partial.mkdir()
    try:
        facts = []
        with (
            open(partial / "crops.npy", "wb") as crops,
            open(partial / "backgrounds.bin", "wb") as backgrounds,
            open(partial / "photographs.bin", "wb") as pixels,
        ):
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, *size)}
            np.lib.format.write_array_header_1_0(crops, header)
            made = _in_threads(lambda example: _number(example, size, looseness), examples, count, folder.name)
            for *of_one, photograph, crop, background in made:
                facts.append((*of_one, photograph.shape))
                crops.write(crop.tobytes())
                backgrounds.write(background.tobytes())
                if photographs:
                    pixels.write(photograph.tobytes())
        names, digits, boxes, windows, sizes = zip(*facts)
        boxes, windows = np.array(boxes, np.float32), np.array(windows, np.float32)
        scale = np.array(size)[[1, 0, 1, 0]] / (windows[:, [2, 3, 2, 3]] - windows[:, [0, 1, 0, 1]])
        crop_boxes = ((boxes - windows[:, [0, 1, 0, 1]]) * scale).astype(np.float32)
        parts = {"names": np.array(names), "digits": np.array(digits, np.int8), "sizes": np.array(sizes)}
        for name, part in (parts | {"boxes": boxes, "crop_boxes": crop_boxes}).items():
            np.save(partial / f"{name}.npy", part)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _in_threads(function, examples, count: int, what: str) -> Iterator:
    """Yields function(example) of each, in order, a batch at a time on all cores; Pillow leaves them to each other."""
    progress, examples = Progress(f"cutting {what}", count, "photographs"), iter(examples)
    with ThreadPoolExecutor() as pool:
        while batch := list(islice(examples, BATCH)):
            yield from pool.map(function, batch)
            progress.advance(len(batch))


def _number(example, size, looseness):
    """Returns (name, digits, box, window, grey photograph, crop, background [0 or 1, H, W]) of one example."""
    name = example["file_name"]
    try:
        photograph = np.asarray(grey(Image.open(io.BytesIO(example["image"])).convert("RGB")))
    except (OSError, ValueError, SyntaxError, zlib.error, Image.DecompressionBombError) as error:
        raise UserError(
            f"SVHN's photograph {name.decode()} can't be decoded ({error}); unpack or fetch its archive again"
        ) from error
    if len(example["digits"]) > MOST_DIGITS:
        raise UserError(f"SVHN's {name.decode()} has more than {MOST_DIGITS} digits; mend digitStruct.mat")
    digits = np.full(MOST_DIGITS, EMPTY)
    digits[: len(example["digits"])] = example["digits"]
    boxes = example["boxes"]
    box = (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
    background = np.empty((0, *size), np.uint8)
    if looseness is None:
        window = tight_window(box)
    else:
        rng = np.random.default_rng(zlib.crc32(name))
        window = scene_window(box, rng) if looseness == SCENES else loose_window(box, looseness, rng)
        sides = window[3] - window[1], window[2] - window[0]
        beside = background_window(rng, np.array(box), photograph.shape, sides)
        if beside is not None:
            background = cut(photograph, beside, size)[None]
    return name, digits, box, window, photograph, cut(photograph, window, size), background
