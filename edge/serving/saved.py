"""Frames saved with their right reading, in the form that `--dataset=folder` takes."""

import itertools
import json
import os
import threading
import time
from pathlib import Path

from PIL import Image

from edge.bundle.manifest import Manifest
from edge.bundle.tasks import CLASSIFICATION
from edge.errors import UserError, WorkError, one_line
from edge.output import replacing

ANNOTATIONS = "annotations.json"
REGION = "region.json"
MOST_FRAMES = 20_000  # of a folder


def parse_label(text, manifest: Manifest) -> list:
    """Returns the right reading as `annotations.json` has it: the symbols, or the one class; digits are numbers.

    Args:
        manifest: of the bundle, which knows the symbols.

    Raises:
        UserError: the bundle could not have read it.
    """
    task = manifest.task
    labels = ", ".join(task.labels[:20])
    if not isinstance(text, str) or not text.strip():
        raise UserError("the right reading is missing; type what should have been read")
    text = text.strip()
    if task.name == CLASSIFICATION:
        if text not in task.labels:
            raise UserError(f"the right reading must be one of {labels}, received {text[:40]!r}")
        return [_value(text)]
    symbols = list(text) if all(len(label) == 1 for label in task.labels) else text.split()
    if len(symbols) > task.max_length or not set(symbols) <= set(task.labels):
        raise UserError(f"the right reading must be 1 to {task.max_length} symbols of {labels}, received {text[:40]!r}")
    return [_value(symbol) for symbol in symbols]


def _value(symbol: str) -> int | str:
    return int(symbol) if symbol.isascii() and symbol.isdecimal() and str(int(symbol)) == symbol else symbol


class SavedFrames:
    """A folder of images and their `annotations.json`, for several threads; UserError where it can't be one."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._entries()
        except (OSError, WorkError) as error:
            raise UserError(f"--folder={folder} cannot be used: {one_line(error)}; name another folder") from None

    def save(self, image: Image.Image, label: list) -> str:
        """Writes an image and its entry, and returns the image's name.

        The image is written first, and `annotations.json` replaced as a whole: no entry is without its image.

        Raises:
            WorkError: the disk refuses, or the folder is full.
        """
        with self._lock:
            entries = self._entries()
            if len(entries) >= MOST_FRAMES:
                raise WorkError(f"{self.folder} has {MOST_FRAMES:,} frames already; name another folder")
            name = self._free_name()
            try:
                with replacing(self.folder / name) as fresh:
                    image.save(fresh, format="PNG")
                try:
                    self._write([*entries, {"file": name, "label": label}])
                except OSError:
                    (self.folder / name).unlink(missing_ok=True)
                    raise
            except OSError as error:
                raise WorkError(
                    f"the frame cannot be saved: {one_line(error)}; make room, or look at the disk"
                ) from None
        return name

    def _free_name(self) -> str:
        stamp = time.strftime("%Y%m%d_%H%M%S", time.gmtime())
        names = (f"frame_{stamp}_{number:03}.png" for number in itertools.count(1))
        return next(name for name in names if not (self.folder / name).exists())

    def _entries(self) -> list:
        path = self.folder / ANNOTATIONS
        if not path.exists():
            return []
        try:
            entries = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise WorkError(f"{path} cannot be read: {one_line(error)}; repair it, or move it away") from None
        if not isinstance(entries, list):
            raise WorkError(f"{path} is not a list; repair it, or move it away")
        return entries

    def _write(self, entries: list):
        lines = ",\n ".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        with replacing(self.folder / ANNOTATIONS) as fresh:
            fresh.write_text(f"[{lines}]\n", encoding="utf-8")
        folder = os.open(self.folder, os.O_RDONLY)  # the new names are on the disk too when this returns
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
