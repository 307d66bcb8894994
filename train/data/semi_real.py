"""Semi-real photographs as a split: real numbers of a user's own, in rendered surroundings.

An entry of `annotations.json` may tell where in its photograph an image lay that was cut from one: `frame_size`,
`frame_origin`, `scale` and `boxes`, see `train.data.rendering.real_patches`.
"""

import math
from functools import partial
from pathlib import Path

import joblib
import numpy as np

from dcn_tf.architecture import Architecture
from dcn_tf.labels import sequence_labels
from train.data.annotations import annotations
from train.data.dataset import Split
from train.data.images import read_image
from train.data.rendering.real_patches import digit_boxes, photograph_of_entry, real_pixels
from train.errors import UserError

KEYS = ("frame_size", "frame_origin", "scale", "boxes")
LARGEST = 4096  # pixels of a photograph's side
CHUNK = 20  # photographs that a worker makes in one go


def has_place(entry: dict) -> bool:
    """Whether an entry tells where in its photograph the image lay."""
    return all(key in entry for key in KEYS)


def placed_entries(data_dir, split: str) -> tuple:
    """Returns a reader (name -> bytes) of a folder or zip, and its entries of a split that tell where they lay.

    Raises:
        UserError: the data is missing or wrong.
    """
    read, entries = annotations(Path(data_dir))
    return read, [entry for entry in entries if has_place(entry) and entry["split"] == split]


def semi_real_split(read, entries, architecture: Architecture, workers: int | None = None) -> Split:
    """Returns whole photographs for those entries that tell where their images lay; none where none does.

    They are of the photographs' original sizes, but one in which the architecture finds no room is enlarged. Each
    depends on its entry alone.

    Args:
        read: a function: name of a file -> its bytes.
        entries: of `annotations.json`, each with `file` and `label`, and the keys `KEYS` where they are known.
        architecture: of a sequence model for grey images.
        workers: number of processes; one a core, unless said otherwise.

    Raises:
        UserError: the architecture is for colour images, an image can't be read, or an entry is wrong about its place.
    """
    if architecture.channels != 1:
        raise UserError(
            "real numbers in rendered surroundings are grey. "
            f"Received: an architecture for {architecture.channels} channels; use --preset=svhn"
        )
    placed = [entry for entry in entries if has_place(entry)]
    patches = [_patch(read, entry) for entry in placed]
    make = joblib.delayed(partial(photograph_of_entry, smallest=architecture.train_size))
    # joblib's workers start without importing the program that starts them, and so without TensorFlow.
    workers = min(workers or joblib.cpu_count(), max(1, len(placed) // CHUNK))
    made = joblib.Parallel(workers, batch_size=CHUNK)(make(*pair) for pair in zip(patches, placed))
    top = architecture.top
    labels = sequence_labels([entry["label"] for entry in placed], top.max_length, top.symbols, top.min_length)
    return Split(
        [image[..., None] for image, _ in made],
        np.array(labels, np.int32).reshape(len(placed), len(top.heads)),
        np.array([box for _, box in made], np.float32).reshape(len(placed), 4),
    )


def _patch(read, entry: dict) -> np.ndarray:
    """Returns the checked entry's image, uint8 [h, w]."""
    file = entry["file"]
    patch = np.asarray(read_image(read, file, 1))
    if not _is_place(entry) or not real_pixels(patch.shape, digit_boxes(entry)).any():
        raise UserError(
            f"the place of {file} must be frame_size [w, h] of up to {LARGEST} pixels, frame_origin [x, y], scale and "
            f"boxes with left, top, width and height in the image. Received: "
            f"{str({key: entry[key] for key in KEYS})[:200]}; mend these or leave them out"
        )
    return patch


def _is_place(entry: dict) -> bool:
    """Whether an entry's keys `KEYS` hold numbers that can be."""
    try:
        frame, origin, scale = (np.asarray(entry[key], float) for key in KEYS[:3])
        boxes = digit_boxes(entry)
    except (TypeError, KeyError, ValueError, OverflowError, RecursionError):
        return False
    shapes = frame.shape == origin.shape == (2,) and scale.shape == () and len(boxes) > 0
    if not shapes or not all(np.isfinite(values).all() for values in (origin, scale, boxes)):
        return False
    sizes = (boxes[:, 2:] > boxes[:, :2]).all() and scale > 0
    return bool(sizes and frame.min() >= 1 and math.ceil(frame.max() * max(scale, 1)) <= LARGEST)
