"""Pictures in which a trained network read something although there is no number, as one file."""

from pathlib import Path

import numpy as np

from dcn_tf.labels import nothing_labels
from train import files
from train.data.dataset import Split
from train.data.files_of import DAMAGED, check_arrays
from train.data.windows import SCENE
from train.errors import UserError


def write_negatives(path: Path, images, boxes):
    """Writes pictures uint8 [n, *SCENE, 1] and boxes float32 [n, 4] of what was read, whole or not at all."""
    with files.replacing(path) as partial, open(partial, "wb") as file:  # NumPy would add .npz to another name
        np.savez_compressed(file, images=images, boxes=boxes)


def check_negatives(path: str):
    """Raises UserError where a file is missing, or holds no arrays."""
    try:
        check_arrays(path)
    except DAMAGED as error:
        raise UserError(f"--negatives must be a file of train.mine_negatives. Received: {path} ({error})") from error


def load_negatives(path: str, top, repeats: int = 1) -> Split:
    """Returns what `write_negatives` wrote `repeats` times, as pictures of nothing with the box of what was read there.

    Raises:
        UserError: it is not there, or is something else.
    """
    check_negatives(path)
    try:
        with np.load(path) as data:
            images, boxes = data["images"], data["boxes"]
        good = images.dtype == np.uint8 and images.shape == (len(boxes), *SCENE, 1) and boxes.shape[1:] == (4,)
        good = good and boxes.dtype.kind in "iuf" and np.isfinite(boxes).all()
    except DAMAGED as error:
        raise UserError(f"--negatives must be a file of train.mine_negatives. Received: {path} ({error})") from error
    if not good:
        raise UserError(f"--negatives must be a file of train.mine_negatives. Received: {path}, of other arrays")
    images, boxes = (np.repeat(array, repeats, axis=0) for array in (images, boxes.astype(np.float32)))
    return Split(images, np.tile(np.array(nothing_labels(top), np.int32), (len(images), 1)), boxes)
