"""The service, apart from HTTP: frames and uploads are read, frames saved, readings published."""

import io
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from edge.bundle.manifest import Manifest
from edge.errors import UserError
from edge.serving.meter import Meter
from edge.serving.reader import ReaderThread
from edge.serving.region import Region, load_region, save_region
from edge.serving.saved import REGION, SavedFrames, parse_label
from edge.serving.seen import Recent, Seen, see
from edge.serving.settings import Settings
from edge.serving.upload import decode

WHOLE = Region()
JPEG_QUALITY = 85


@dataclass(frozen=True)
class Totals:
    """What was read since the start, copied at one moment; microseconds in all by their stage."""

    frames: int
    uploads: int
    early_exits: int
    patches: int
    stages_us: dict


class Service:
    """Reads frames and uploads on one thread, and keeps what the page, programs and the broker ask for.

    Args:
        make_read: settings -> a function, pixels -> `Result`; UserError where the bundle cannot.
        folder: for saved frames and the region, or None: nothing is written.

    Attributes:
        saved: the folder of saved frames, or None.
    """

    def __init__(
        self,
        manifest: Manifest,
        make_read: Callable[[Settings], Callable],
        settings: Settings,
        folder: Path | None = None,
        meter: Meter | None = None,
    ):
        self.manifest = manifest
        self.reader = ReaderThread()
        self.recent = Recent()
        self.meter = meter or Meter()
        self.saved = SavedFrames(folder) if folder else None
        self.publisher = self.camera = None
        self.settings = settings
        self._make_read = make_read
        self._read = make_read(settings)
        self._region_file = folder / REGION if folder else None
        self.region = load_region(self._region_file)
        self._numbers, self._uploads = itertools.count(1), itertools.count(1)
        self._lock = threading.Lock()
        self._counts, self._stages_us = Counter(), Counter()
        self._jpeg = (0, b"")

    def handle_frame(self, image: Image.Image) -> None:
        """Reads a frame of the camera, and publishes what it says. Returns when that is done."""
        number = next(self._numbers)
        seen = self.reader.submit(self._see, number, f"camera/{number}", image, self.region).result()
        self._count("frames", seen)
        self.recent.add(seen)
        if self.meter.note(seen.result.prediction, seen.result.probability) and self.publisher:
            self.publisher.publish(self.meter)

    def read_upload(self, body: bytes) -> Future:
        """Returns the fields, in the future, that `edge.run --json` tells of an image; see `decode` for errors."""
        return self.reader.submit(self._upload, body)

    def change(self, settings: Settings) -> Future:
        """Takes other settings, in the future; UserError where the bundle cannot follow them."""
        return self.reader.submit(self._change, settings)

    def change_region(self, region: Region) -> None:
        """Reads another part of the frames from now on, and keeps that in the folder; OSError where it refuses."""
        if self._region_file:
            save_region(self._region_file, region)
        self.region = region

    def save(self, number: int, text) -> str | None:
        """Saves what was read of a frame with its right reading; returns the image's name, None where it is gone.

        Raises:
            UserError: there is no folder, or the bundle could not have read that.
            WorkError: the disk refuses.
        """
        if self.saved is None:
            raise UserError("frames are not saved here; start with --folder=DIR")
        label = parse_label(text, self.manifest)
        seen = self.recent.find(number)
        return self.saved.save(seen.part, label) if seen else None

    def jpeg(self, seen: Seen) -> bytes:
        """Returns a frame as JPEG; that of the last one is kept."""
        number, content = self._jpeg
        if number != seen.number:
            file = io.BytesIO()
            seen.image.save(file, format="JPEG", quality=JPEG_QUALITY)
            content = file.getvalue()
            self._jpeg = seen.number, content
        return content

    def totals(self) -> Totals:
        """Returns what was read since the start."""
        with self._lock:
            counts = {name: self._counts[name] for name in ("frames", "uploads", "early_exits", "patches")}
            return Totals(**counts, stages_us=dict(self._stages_us))

    def start(self) -> None:
        """Begins."""
        self.reader.start()
        if self.publisher:
            self.publisher.start()
        if self.camera:
            self.camera.start()

    def stop(self) -> None:
        """Ends: the camera first, then what waits to be read, then the broker is told."""
        if self.camera:
            self.camera.stop()
        self.reader.stop()
        if self.publisher:
            self.publisher.stop()

    def _see(self, number, name, image, region) -> Seen:
        return see(number, name, image, region, self._read, self.manifest)

    def _upload(self, body) -> dict:
        image = decode(body, self.manifest.input)
        seen = self._see(0, f"upload/{next(self._uploads)}", image, WHOLE)
        self._count("uploads", seen)
        return seen.fields

    def _change(self, settings: Settings):
        self._read = self._make_read(settings)
        self.settings = settings

    def _count(self, kind: str, seen: Seen):
        with self._lock:
            self._counts.update({kind: 1, "patches": seen.result.num_patches})
            self._counts["early_exits"] += seen.result.num_patches == 0
            self._stages_us.update(seen.stages_us)
