"""The files of a bundle: in a folder, or in one zip file, which is read in memory and never unpacked."""

import contextlib
import json
import os
import re
import shutil
import tempfile
import time
import zipfile
import zlib
from functools import partial
from pathlib import Path

from edge.bundle import zips
from edge.errors import UserError, one_line
from edge.files import open_file
from edge.output import refused, replacing

MANIFEST_FILE = "manifest.json"
MOST_BYTES = 2**28  # of a bundle, unpacked: keeps a small device from running out of memory
LEFT_SECONDS = 3600
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say: the same files give the same bytes
PACK_AGAIN = "pack the bundle again with python -m edge.bundle pack"


def is_plain(name: str) -> bool:
    """Returns whether a file name leads nowhere else."""
    return name not in ("", ".", "..") and not set(name) & set("/\\:\0")


@contextlib.contextmanager
def opened(path: Path):
    """Yields `read(name, limit)`, which returns a file's content, of which at most `limit` bytes are taken in.

    `read` raises FileNotFoundError where there is no such file, and UserError where it cannot be read or is longer.

    Raises:
        UserError: there is neither a folder nor a zip file at `path`, or the zip holds what no bundle holds.
    """
    if os.path.isdir(path):  # unlike Path.is_dir, False where it may not be looked at
        yield partial(_read_file, path)
    elif os.path.isfile(path):
        with contextlib.ExitStack() as stack:
            archive = _open_zip(path, stack)
            yield partial(_read_member, archive, path)
    else:
        raise UserError(f"no such bundle: {path}; make one with tools.quantize --bundle={path}")


def _read_file(directory: Path, name: str, limit: int) -> bytes:
    try:
        with open_file(directory / name) as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"{directory / name} cannot be read: {one_line(error)}; copy the bundle again") from None
    return _not_longer(content, limit, f"{directory / name}")


def _open_zip(path: Path, stack: contextlib.ExitStack) -> zipfile.ZipFile:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UserError(f"{path} has {size:,} bytes, more than the {MOST_BYTES:,} of any bundle; name a bundle")
        archive = stack.enter_context(zips.opened(stack.enter_context(open_file(path))))
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        message = f"{path} is neither a bundle's folder nor a whole zip file: {one_line(error)}; copy the bundle again"
        raise UserError(message) from None
    _check_members(archive.infolist(), path)
    return archive


def _check_members(members, path: Path):
    seen = set()
    for name in (member.orig_filename for member in members):
        if not is_plain(name):
            raise UserError(f"{path} holds {name!r}, which is not a plain file name; {PACK_AGAIN}")
        if name in seen:
            raise UserError(f"{path} holds {name!r} twice; {PACK_AGAIN}")
        seen.add(name)


def _read_member(archive: zipfile.ZipFile, path: Path, name: str, limit: int) -> bytes:
    try:
        member = archive.getinfo(name)
    except KeyError:
        raise FileNotFoundError(name) from None
    if not zips.is_readable(member):
        raise UserError(f"{name} in {path} is neither stored nor deflated; {PACK_AGAIN}")
    try:
        with archive.open(member) as file:
            content = file.read(limit + 1)  # stops decompressing there, whatever size the zip claims
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{name} in {path} cannot be read: {one_line(error)}; copy the bundle again") from None
    return _not_longer(content, limit, f"{name} in {path}")


def _not_longer(content: bytes, limit: int, where: str) -> bytes:
    if len(content) > limit:
        raise UserError(f"{where} is longer than the {limit:,} bytes that it may have; copy the bundle again")
    return content


def check_destination(path) -> None:
    """Raises UserError unless a bundle may be written there: at a new place, an empty folder, or over an older bundle.

    What ends in .zip is written as a zip file, all else as a folder. The older bundle is replaced as a whole, and so
    may hold nothing but the files that its manifest names.
    """
    path = Path(path)
    if path.suffix == ".zip" and path.is_file():
        try:
            with zipfile.ZipFile(path) as archive:
                _check_replaceable(path, archive.namelist(), archive.read)
        except (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error):
            raise UserError(f"{path} is there and not a bundle; name another file") from None
    elif path.suffix != ".zip" and path.is_dir():
        _check_replaceable(path, os.listdir(path), lambda name: (path / name).read_bytes())
    elif os.path.lexists(path):
        kind = "a file" if path.suffix == ".zip" else "a folder (and does not end in .zip)"
        raise UserError(f"{path} is there and not {kind}; name another place")


def _check_replaceable(path: Path, names: list[str], read):
    """Raises UserError where something of these names is no file of a bundle. read: name -> content."""
    if not names:
        return
    try:
        known = {*json.loads(read(MANIFEST_FILE))["files"], MANIFEST_FILE}
    except (OSError, KeyError, TypeError, ValueError):
        raise UserError(f"{path} is not a bundle and not empty; name another place, or empty this one") from None
    if foreign := sorted(set(names) - known):
        raise UserError(
            f"{path} holds {foreign[0]}, which is no file of its bundle; move it away, or name another place"
        )


def write(path: Path, files: dict) -> None:
    """Writes files, name -> content, beside `path` and renames them there; for errors see `check_destination`."""
    check_destination(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        (_write_zip if path.suffix == ".zip" else _write_folder)(path, files)
    except OSError as error:
        raise refused(path, error, sum(map(len, files.values())), "name another place") from None


def _remove_leftovers(path: Path):
    """Deletes what killed writers of a bundle left beside it an hour ago or earlier: younger ones may be at work."""
    older = "|old[.][a-z0-9_]{8}" if path.exists() else ""  # the bundle itself, where nothing took its place
    left = re.compile(rf"\.{re.escape(path.name)}\.([0-9a-f]{{32}}|[a-z0-9_]{{8}}{older})")
    before = time.time() - LEFT_SECONDS
    for entry in os.scandir(path.parent):
        if left.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_mtime < before:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)


def _write_zip(path: Path, files: dict):
    with replacing(path) as fresh, zipfile.ZipFile(fresh, "w") as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, ZIP_TIME)
            member.create_system, member.external_attr = 3, 0o644 << 16  # Unix, on whatever system this runs
            archive.writestr(member, content, zipfile.ZIP_STORED)  # compressed bytes depend on the zlib


def _write_folder(directory: Path, files: dict):
    fresh = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        for name, content in files.items():
            _write_synced(fresh / name, content)
        fresh.chmod(0o755)
        _replace_directory(fresh, directory)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # what is left of it after a failure; gone after success


def _write_synced(path: Path, content: bytes):
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _replace_directory(fresh: Path, directory: Path):
    """Renames `fresh` to `directory`. Folders cannot be exchanged in one step; an older one is put back on failure."""
    if not directory.exists():
        fresh.rename(directory)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{directory.name}.old.", dir=directory.parent))
    directory.rename(old)
    try:
        fresh.rename(directory)
    except OSError:
        old.rename(directory)
        raise
    shutil.rmtree(old, ignore_errors=True)
