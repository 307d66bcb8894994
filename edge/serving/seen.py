"""A frame and what was read in it, and how both look in JSON."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from edge.bundle.manifest import Manifest
from edge.network.result import Clock, Result
from edge.serving.heat import heat_map
from edge.serving.region import Region
from edge.sight.fields import fields_of
from edge.sight.images import Fit, model_pixels, read_size, whole_size
from edge.sight.overlay import patch_boxes

HISTORY = 200  # readings that the page shows
RECENT = 8  # frames that can be shown and saved
MOST_PIXELS = 2**24  # of them together


@dataclass(frozen=True)
class Seen:
    """A frame and what was read in it.

    Attributes:
        number: of the frame, from 1 on.
        time: when it was read, in seconds since 1970.
        corner: (left, top) in it of the part that was read.
        fields: what `edge.run --json` tells; boxes lie in the whole frame.
        stages_us: microseconds of each stage, from the part on.
    """

    number: int
    time: float
    image: Image.Image
    corner: tuple[int, int]
    part: Image.Image
    result: Result
    fields: dict
    stages_us: dict

    def reading(self) -> dict:
        """Returns what was read, for a program."""
        return self.fields | {"frame": self.number, "time": round(self.time, 3)}

    def picture(self, manifest: Manifest) -> dict:
        """Returns what the page draws: size, patches, heat, stages. Boxes are [left, top, right, bottom] in pixels."""
        left, top = self.corner
        size = self.part.size[::-1]
        fit = Fit(size, read_size(size, manifest.input), manifest.input.resize)
        inclusive = np.array(patch_boxes(self.result, manifest, fit), int).reshape(-1, 4)
        patches = inclusive + np.array([left, top, left + 1, top + 1])
        return {
            "size": self.image.size,
            "patches": patches.tolist(),
            "heat": heat_map(self.result, size, manifest, self.corner),
            "stages_us": {stage: round(value) for stage, value in self.stages_us.items()},
            "early_exit": self.result.cells is None,
        }


def see(number: int, name: str, image: Image.Image, region: Region, read: Callable, manifest: Manifest) -> Seen:
    """Returns what `read`, pixels -> `Result`, finds in a region of a frame; UserError where that is too small."""
    clock = Clock()
    left, top, right, bottom = region.in_pixels(image.size)
    part = image if (left, top, right, bottom) == (0, 0, *image.size) else image.crop((left, top, right, bottom))
    pixels = model_pixels(part, manifest.input, name)
    clock.lap("resize")
    result = read(pixels)
    fields = fields_of(name, result, whole_size(part), manifest)
    if fields.get("box"):
        fields["box"] = [side + offset for side, offset in zip(fields["box"], (left, top) * 2)]
    stages_us = clock.laps | result.stages_us
    return Seen(number, time.time(), image, (left, top), part, result, fields, stages_us)


class Recent:
    """The frames that were read last, one that is held, and the last `HISTORY` readings. For several threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._seen = deque(maxlen=RECENT)
        self._held = None
        self._history = deque(maxlen=HISTORY)

    def add(self, seen: Seen) -> None:
        """Notes a frame."""
        fields = seen.fields
        with self._lock:
            self._seen.append(seen)
            while len(self._seen) > 1 and sum(math.prod(one.image.size) for one in self._seen) > MOST_PIXELS:
                self._seen.popleft()
            self._history.append(
                (seen.number, round(seen.time, 3), fields["prediction"], round(fields["probability"], 4))
            )

    @property
    def last(self) -> Seen | None:
        """The frame that was read last."""
        with self._lock:
            return self._seen[-1] if self._seen else None

    def find(self, number: int) -> Seen | None:
        """Returns the frame of that number, where it is still there."""
        with self._lock:
            kept = [*self._seen, *([self._held] if self._held else [])]
        return next((seen for seen in kept if seen.number == number), None)

    def hold(self, number: int) -> Seen | None:
        """Keeps a frame until another is held, and returns it: the last one where it is gone, None before the first."""
        found = self.find(number) or self.last
        if found:
            with self._lock:
                self._held = found
        return found

    def history(self, after: int, last: int) -> list:
        """Returns (number, time, prediction, probability) of readings behind a number, up to `last`; oldest first."""
        with self._lock:
            return [entry for entry in self._history if after < entry[0] <= last]
