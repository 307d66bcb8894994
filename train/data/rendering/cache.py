"""Rendered pictures on disk, so that the next run finds them: one file a set, and only so many of them."""

import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np

from train.data.files_of import DAMAGED
from train.data.rendering.typefaces import packages
from train.files import PARTIAL, replacing
from train.progress import log

VERSION = 8  # of the renderer: raised with every change after which a seed gives other pixels or labels
FOLDER = Path.home() / ".cache" / "dcn_tf"
LIMIT = 2 * 2**30  # bytes of sets that stay, the latest used first
IN_USE = 3600  # seconds for which a file is left alone after its last use: another run may be about to read it
PREFIX = "street_numbers_"


def path_of(name: str, *facts) -> Path:
    """Returns where a set is kept: under its name and a key of the facts, renderer and packages that it depends on."""
    key = hashlib.sha256(json.dumps([VERSION, facts, packages()]).encode()).hexdigest()[:16]
    return FOLDER / f"{PREFIX}{name}_{key}.npz"


def read(path: Path) -> dict[str, np.ndarray] | None:
    """Returns the arrays of a file, and counts it as used now; None if it is not there or damaged."""
    try:
        with np.load(path) as data:
            arrays = dict(data)
        os.utime(path)
    except DAMAGED:
        return None
    return arrays


def write(path: Path, arrays: dict[str, np.ndarray]):
    """Keeps arrays under `path`, whole or not at all, and drops what has not been used for longest.

    A folder that can't be written to is a warning: the set is then made again by the next run.
    """
    try:
        with replacing(path) as partial:
            np.savez(partial, **arrays)
        drop_old(path.parent)
    except OSError as error:
        log.warning("the rendered numbers can't be kept (%s); the next run makes them again", error)


def drop_old(folder: Path, limit: int | None = None):
    """Deletes the sets, and what interrupted runs left of some, that have not been used for longest.

    The latest used ones stay up to `limit` bytes together, `LIMIT` unless said otherwise, and so does each that was
    used within `IN_USE` seconds. A file that another run deletes at the same time is no error.
    """
    room = LIMIT if limit is None else limit
    states = []
    for file in folder.glob(f"{PREFIX}*"):
        try:
            state = file.stat()
        except FileNotFoundError:
            continue
        states.append((state.st_mtime, state.st_size, file))
    for used, size, file in sorted(states, reverse=True):
        room -= size
        finished = PARTIAL not in file.suffixes
        if time.time() - used > IN_USE and (room < 0 or not finished):
            file.unlink(missing_ok=True)
