"""The files of checkpoints: found by their names alone, checked by checksums of their own, never half there.

A checkpoint of step N is `ckpt-N.index`, `ckpt-N.data-00000-of-00001` and `ckpt-N.sha256`, the checksums of the other
two as `sha256sum --check` reads them. The file `checkpoint` is for other programs. It is written, and never read.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from train import files
from train.errors import UserError
from train.plain_files import reason
from train.progress import log

FOLDER = "checkpoints"  # in a workdir
KEPT = 2
NAME = re.compile(r"ckpt-(\d+)\.(index|data-\d{5}-of-\d{5}|sha256)")
LEFTOVERS = re.compile(r"\.tmp.*|.*_temp.*|.*\.tempstate\d*|checkpoint\.tmp.*")  # of saving that was interrupted
PATTERN_SIGNS = frozenset("*?[]\\")  # which TensorFlow does not take literally in paths


@dataclass(frozen=True)
class Saved:
    """The files of one checkpoint."""

    folder: Path
    step: int

    @property
    def name(self) -> str:
        """What its files' names begin with."""
        return f"ckpt-{self.step}"

    def files(self) -> list[Path]:
        """Returns those that are there, sorted."""
        found = ((NAME.fullmatch(name), name) for name in os.listdir(self.folder))
        return sorted(self.folder / name for match, name in found if match and int(match[1]) == self.step)

    def fault(self) -> str | None:
        """Returns what is wrong with it, None where it is whole."""
        found = {path.name: path for path in self.files()}
        if f"{self.name}.index" not in found:
            return f"{self.name}.index is missing"
        sums = found.pop(f"{self.name}.sha256", None)
        if sums is None:  # a version before checksums made it
            return _fault_of_tensors(self)
        noted = dict(
            reversed(line.split("  ", 1)) for line in sums.read_text(errors="replace").splitlines() if "  " in line
        )
        if not noted:
            return f"{sums.name} is damaged"
        for name in sorted(noted.keys() | found.keys()):
            if name not in found:
                return f"{name} is missing"
            if noted.get(name) != files.sha256(found[name]):
                return f"the checksum of {name} is wrong"
        return None

    def put_aside(self) -> Path:
        """Moves its files into a folder of their own, and returns it."""
        aside = files.unused(self.folder / f"damaged-{self.name}")
        aside.mkdir()
        for path in self.files():
            path.rename(aside / path.name)
        files.sync(self.folder)
        return aside


def find(folder: Path) -> list[Saved]:
    """Returns the checkpoints of a folder, whole or not, the newest first."""
    names = os.listdir(folder) if folder.is_dir() else []
    steps = {int(match[1]) for match in map(NAME.fullmatch, names) if match}
    return [Saved(folder, step) for step in sorted(steps, reverse=True)]


def newest_whole(folder: Path, put_aside: bool = True) -> Saved | None:
    """Returns the newest checkpoint that is whole; None where there is none at all. What is damaged is told.

    Args:
        put_aside: whether damaged ones that are newer are moved out of the way. Where none is whole, nothing is moved.

    Raises:
        UserError: there are some, and all of them are damaged.
    """
    faults = []
    for saved in find(folder):
        fault = saved.fault()
        if fault is None:
            break
        faults.append((saved, fault))
    else:
        if faults:
            told = "; ".join(f"{saved.name}: {fault}" for saved, fault in faults)
            remedy = (
                "give --restart, which keeps them aside and begins again at step 0" if put_aside else "name another run"
            )
            raise UserError(f"no checkpoint in {folder} is whole ({told}); put copies of them there, or {remedy}")
        return None
    for damaged, fault in faults:
        kept = f"it is kept in {damaged.put_aside()}" if put_aside else "it is left out"
        log.warning("checkpoint %s is damaged (%s): %s, and %s takes its place", damaged.name, fault, kept, saved.name)
    return saved


@contextmanager
def writing(folder: Path, step: int, size: int) -> Iterator[str]:
    """Gives a prefix for `tf.train.Checkpoint.write`; what was written there becomes the checkpoint of `step`.

    It is on the disk, checksums and names too, before the oldest of more than `KEPT` goes. After an error nothing is
    left of it, and the others are as they were.

    Raises:
        DiskFullError: there is no room for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    saved = Saved(folder, step)
    partial = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder))
    try:
        with files.room_for(folder / saved.name, size):
            with without_patterns(partial) as plain:
                yield f"{plain}/{saved.name}"
            _finish(Saved(partial, step), folder)
            _keep_newest(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _finish(written: Saved, folder: Path):
    """Notes the checksums of what was written, and moves all of it into the folder, the checksums last."""
    paths = written.files()
    sums = written.folder / f"{written.name}.sha256"
    sums.write_text("".join(f"{files.sha256(path)}  {path.name}\n" for path in paths))
    for path in (*paths, sums):
        files.sync(path)
    for path in (*paths, sums):
        path.replace(folder / path.name)
    files.sync(folder)


def _keep_newest(folder: Path):
    """Deletes all checkpoints but the newest, and names those in the file that other programs look into."""
    found = find(folder)
    for old in found[KEPT:]:
        for path in old.files():
            path.unlink()
    kept = [saved.name for saved in reversed(found[:KEPT])]
    lines = [f'model_checkpoint_path: "{kept[-1]}"', *(f'all_model_checkpoint_paths: "{name}"' for name in kept)]
    files.write_text(folder / "checkpoint", "\n".join(lines) + "\n")


def remove_leftovers(folder: Path) -> int:
    """Deletes what interrupted saving left in a folder of checkpoints, and returns how much that was."""
    names = os.listdir(folder) if folder.is_dir() else []
    found = [folder / name for name in names if LEFTOVERS.fullmatch(name) or files.LEFTOVER.fullmatch(name)]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(found)


@contextmanager
def without_patterns(folder: Path) -> Iterator[str]:
    """Gives a path to `folder` that TensorFlow takes as it is: a link's, where the folder's own has [ or such in it."""
    if not set(str(folder)) & PATTERN_SIGNS:
        yield str(folder)
        return
    with tempfile.TemporaryDirectory(prefix="dcn_") as place:
        link = Path(place, "folder")
        link.symlink_to(folder.resolve(), target_is_directory=True)
        yield str(link)


@contextmanager
def reader(saved: Saved) -> Iterator:
    """Gives TensorFlow's reader of a checkpoint's tensors."""
    import tensorflow as tf

    with without_patterns(saved.folder) as plain:
        yield tf.train.load_checkpoint(f"{plain}/{saved.name}")


def _fault_of_tensors(saved: Saved) -> str | None:
    """Returns what is wrong with a checkpoint without checksums: TensorFlow has one of every tensor."""
    import tensorflow as tf

    try:
        with reader(saved) as tensors:
            for name in tensors.get_variable_to_shape_map():
                tensors.get_tensor(name)
    except (tf.errors.OpError, ValueError, IndexError, RuntimeError) as error:  # ValueError where a file is cut off
        return reason(error)
    return None
