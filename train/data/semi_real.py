"""Semi-real photographs as a split: real numbers of a user's own, in rendered surroundings.

An entry of `annotations.json` may tell where in its photograph an image lay that was cut from one: `frame_size`,
`frame_origin`, `scale` and `boxes`, see `train.data.rendering.real_patches`.
"""

from functools import partial

import joblib
import numpy as np

from dcn_tf.architecture import Architecture
from dcn_tf.losses import sequence_labels
from train.data.dataset import Split
from train.data.rendering.real_patches import photograph_of_entry
from train.errors import UserError

KEYS = ("frame_size", "frame_origin", "scale", "boxes")


def has_place(entry: dict) -> bool:
    """Whether an entry tells where in its photograph the patch lay."""
    return all(entry.get(key) for key in KEYS)


def semi_real_split(read, entries, architecture: Architecture, workers: int | None = None) -> Split:
    """Returns whole photographs for those entries that tell where their patches lay; none where none does.

    Args:
        read: a function: file name -> patch, uint8 [h, w].
        entries: of `annotations.json`, each with `file` and `label`, and the keys `KEYS` where they are known.
        architecture: of a sequence model for grey images. A photograph in which it finds no room is enlarged.
        workers: number of processes; one a core, unless said otherwise.

    Raises:
        UserError: the architecture is for colour images.
    """
    if architecture.channels != 1:
        raise UserError(
            "real numbers in rendered surroundings are grey. "
            f"Received: an architecture for {architecture.channels} channels; use --preset=svhn"
        )
    entries = [entry for entry in entries if has_place(entry)]
    make = joblib.delayed(partial(photograph_of_entry, smallest=architecture.train_size))
    made = joblib.Parallel(workers or -1, batch_size=20)(make(read(entry["file"]), entry) for entry in entries)
    top = architecture.top
    labels = sequence_labels([entry["label"] for entry in entries], top.max_length, top.symbols)
    return Split(
        [image[..., None] for image, _ in made],
        np.array(labels, np.int32).reshape(len(entries), len(top.heads)),
        np.array([box for _, box in made], np.float32).reshape(-1, 4),
    )
