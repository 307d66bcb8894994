"""A run's folder: held by one process, tidied, and resumed from what is whole in it."""

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from train import checkpoint_files, disk, files, history, signals
from train.checkpoint_files import FOLDER, Saved
from train.errors import UserError
from train.flag_values import FlagValues, check_same_run, write_config
from train.history import Sitting
from train.progress import log

LOCK = ".lock"
RESULTS = ("result.json", "model.keras")  # of a finished run
# Patterns of all that a run writes: what --restart keeps aside.
WRITTEN = (
    *(FOLDER, "config.json", "architecture.json", "flags.txt", history.FILE, "curves.csv", "attention.png", "samples"),
    *("events.out.tfevents.*", *RESULTS),
)


@dataclass(frozen=True)
class Workdir:
    """A workdir that is held: its newest whole checkpoint, if any, and the run's sittings, the coming one too."""

    path: Path
    newest: Saved | None
    sittings: list[Sitting]

    @property
    def phase(self) -> int:
        """The step that the learning rate's schedule begins at."""
        return self.sittings[-1].phase if self.sittings else 0

    def begin(self, config: FlagValues, rate):
        """Writes what the run is, and says how it goes on; `rate`: sitting, step -> learning rate."""
        step = self.newest.step if self.newest else 0
        history.write(self.path, self.sittings)
        write_config(config, history.remarks(self.sittings))
        log.info("%s at step %d of %d", "resuming" if step else "beginning", step, config.train_steps)
        if self.sittings[-1].first_step == step:
            for line in history.changes(self.sittings, getattr(config, "schedule", "cosine"), rate):
                log.info("%s", line)


@contextmanager
def held(config: FlagValues, restart: bool = False) -> Iterator[Workdir]:
    """Holds a run's workdir for the length of a `with` block.

    What stops the run, a signal, a full disk or an error of the system, is told together with what is safe.

    Args:
        restart: whether it begins again. What was trained before is kept aside.

    Raises:
        UserError: the folder is another run's, another process's, or none of its checkpoints is whole.
    """
    path = Path(config.workdir)
    if not restart:
        check_same_run(config)
    with _folder(path), _lock(path), _telling_what_is_safe(path, restart):
        left = _remove_leftovers(path)
        if left:
            log.info("removed what an interrupted run had left half written: %d files", left)
        if restart:
            _put_aside(path)
        newest = checkpoint_files.newest_whole(path / FOLDER)
        _check_not_lost(path, newest)
        begun = history.read(path) if newest else []
        yield Workdir(path, newest, history.with_next(begun, newest.step if newest else 0, config.train_steps))


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    """Makes a folder, and removes it if nothing was put there."""
    is_new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if disk.is_full(error):
            raise disk.DiskFullError(disk.explained(path)) from error
        raise UserError(f"--workdir must be a folder that can be made. Received: {path} ({error.strerror})") from error
    try:
        yield
    finally:
        if is_new and all(child.name.startswith(LOCK) for child in path.iterdir()):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(files.held(path / LOCK))
        except files.HeldError as error:
            raise UserError(f"{error} trains in {path}; wait for it, stop it, or choose another --workdir") from None
        except OSError as error:
            raise UserError(f"--workdir can't be written to. Received: {path} ({error.strerror})") from error
        yield


@contextmanager
def _telling_what_is_safe(path: Path, restart: bool) -> Iterator[None]:
    again = f"the same command{', without --restart,' * restart} goes on from there"
    try:
        yield
    except UserError:
        raise
    except KeyboardInterrupt as error:
        stopped = error if isinstance(error, signals.Stopped) else signals.Stopped(signals.ASKING[0])
        safe = again if stopped.has_message else _safe(path, again)
        raise signals.Stopped(stopped.number, f"{stopped}; {safe}") from error
    except Exception as error:
        if isinstance(error, disk.DiskFullError):
            raise disk.DiskFullError(f"{error}; {_safe(path, again)}") from error
        if disk.is_full(error):
            raise disk.DiskFullError(f"{disk.explained(_place_of(error, path))}; {_safe(path, again)}") from error
        raise


def _safe(path: Path, again: str) -> str:
    found = checkpoint_files.find(path / FOLDER)
    if not found:
        return "nothing was trained yet"
    return f"the checkpoint of step {found[0].step} is safe, and {again}"


def _place_of(error: BaseException, path: Path) -> Path:
    """Returns the file that an error names; the summaries', whose library names none, else."""
    return Path(getattr(error, "filename", None) or path / "events.out.tfevents")


def _remove_leftovers(path: Path) -> int:
    """Deletes what interrupted processes left in a workdir, and returns how many files that was."""
    left = [
        file for place in (path, path / "samples") for file in place.glob("*") if files.LEFTOVER.fullmatch(file.name)
    ]
    for file in left:
        file.unlink(missing_ok=True)
    return len(left) + checkpoint_files.remove_leftovers(path / FOLDER)


def _put_aside(path: Path):
    """Moves all that a run wrote into a folder within the workdir, from which it could be resumed."""
    found = [file for pattern in WRITTEN for file in path.glob(pattern)]
    if found:
        aside = files.unused(path / "before_restart")
        aside.mkdir()
        for file in found:
            file.rename(aside / file.name)
        log.info("beginning again; what was there is kept in %s", aside)


def _check_not_lost(path: Path, newest: Saved | None):
    """Raises UserError where a finished run lies in the workdir, and no checkpoint from which it could go on."""
    finished = [name for name in RESULTS if (path / name).exists()]
    if finished and newest is None:
        raise UserError(
            f"{path} holds a finished run, {finished[0]}, but no checkpoint of it; choose another --workdir, or give "
            "--restart, which keeps it aside and begins again at step 0"
        )
