"""Many crops at once: in every process that the machine has a core for, and from disk the second time."""

import hashlib
import io
import json
import os
import zipfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from train.data.rendering.layout import LENGTHS
from train.data.rendering.scenes import render_crop
from train.data.rendering.typefaces import packages
from train.files import write_bytes
from train.progress import log

CACHE = Path.home() / ".cache" / "dcn_tf"
SPLIT_SEEDS = {"train": 1, "validation": 2, "test": 3}
CHUNK = 500  # crops that a worker makes in one go; fewer are not worth starting one
EMPTY = -1  # in labels, after the last digit


def load_crops(
    split: str, count: int, size, looseness: float = 1.0, folder: Path = CACHE
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the first `count` crops of a split, from `folder` if they were made before.

    Args:
        split: "train", "validation" or "test"; each has type faces and random numbers of its own.
        count: number of crops.
        size: (height, width).
        looseness: how much is around the numbers, see `render_crop`.
        folder: where they are kept, under a name that changes with the renderer and the packages it draws with.

    Returns:
        uint8 [count, height, width] images and int8 [count, 5] digits, `EMPTY` after the last.
    """
    path = folder / f"street_numbers_{split}_{_key(split, count, size, looseness)}.npz"
    held = _read(path, count, size)
    if held is not None:
        return held
    log.info("rendering %d house numbers (%s); the next run finds them in %s", count, split, folder)
    images, labels = render_crops(split, count, size, looseness)
    buffer = io.BytesIO()
    np.savez(buffer, images=images, labels=labels)
    try:
        write_bytes(path, buffer.getbuffer())
    except OSError as error:
        log.warning("the rendered numbers can't be kept (%s); the next run makes them again", error)
    return images, labels


def render_crops(
    split: str, count: int, size, looseness: float = 1.0, workers: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns what `load_crops` does, freshly made by `workers` processes: one a core, unless said otherwise.

    Crop i depends on the split, i, the size and the looseness alone.
    """
    chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    workers = min(workers or len(os.sched_getaffinity(0)), len(chunks))
    render = partial(_render_chunk, split, tuple(size), looseness)
    if workers == 1:
        made = list(map(render, chunks))
    else:
        # Spawned, not forked: TensorFlow's threads do not survive a fork.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            made = list(pool.map(render, chunks))
    return tuple(np.concatenate(parts) for parts in zip(*made))


def _render_chunk(split: str, size, looseness: float, indices: range) -> tuple[np.ndarray, np.ndarray]:
    images = np.empty((len(indices), *size), np.uint8)
    labels = np.full((len(indices), len(LENGTHS)), EMPTY, np.int8)
    for image, label, index in zip(images, labels, indices):
        rendering = render_crop(np.random.default_rng([SPLIT_SEEDS[split], index]), size, split, looseness)
        image[:] = rendering.image
        label[: len(rendering.label)] = rendering.label
    return images, labels


def _key(split: str, count: int, size, looseness: float) -> str:
    """Returns a name for all that the pixels depend on: the renderer's own source among it."""
    sources = [file.read_text() for file in sorted(Path(__file__).parent.glob("*.py"))]
    facts = json.dumps([SPLIT_SEEDS[split], count, *size, looseness, packages(), *sources])
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def _read(path: Path, count: int, size) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns what a file holds, or None if it is not there or damaged."""
    try:
        with np.load(path) as data:
            images, labels = data["images"], data["labels"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    whole = images.shape == (count, *size) and labels.shape == (count, len(LENGTHS))
    return (images, labels) if whole else None
