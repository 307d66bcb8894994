"""One image after another, and what is told of each: a line, or an error."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edge.bundle.manifest import Input, Manifest
from edge.errors import UserError, one_line
from edge.network.result import Clock, Result
from edge.sight.fields import fields_of
from edge.sight.images import model_pixels, open_image, whole_size

NOTHING = "nothing to read"
CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


@dataclass(frozen=True)
class ImageFile:
    """An image that is read from a file; `edge.sight.camera.Frame` is its like.

    Attributes:
        name: of the file.
        age: in seconds; a frame's.
    """

    name: Path
    age: float | None = None

    def read(self, rule: Input | None = None):
        """Returns the image; see `edge.sight.images.open_image`."""
        return open_image(self.name, rule)


@dataclass
class Told:
    """What is told of one image.

    Attributes:
        image: an `ImageFile` or `edge.sight.camera.Frame`.
        line: for stdout; None where the image could not be read.
        error: why it could not be read.
        result: of reading it.
        stages_us: microseconds of each stage, from the file on.
    """

    image: Any
    line: str | None = None
    error: Any = None
    result: Result | None = None
    stages_us: dict = field(default_factory=dict)


def tell(image, read: Callable[[np.ndarray], Result], manifest: Manifest, parsed) -> Told:
    """Returns what is told of an image; errors of the image itself are told, others raised.

    Args:
        image: an `ImageFile` or `edge.sight.camera.Frame`.
        read: pixels -> result.
        manifest: of the bundle.
        parsed: the command line's `json`, `cells` and `timing`.
    """
    clock = Clock()
    try:
        decoded = image.read(manifest.input)
        clock.lap("read")
        pixels, size = model_pixels(decoded, manifest.input, image.name), whole_size(decoded)
        del decoded  # a photograph of 12 million pixels has 36 MB
        clock.lap("resize")
    except UserError as error:
        return Told(image, error=str(error))
    result = read(pixels)
    stages_us = clock.laps | result.stages_us
    line = _line(image, result, parsed, stages_us, fields_of(image.name, result, size, manifest))
    return Told(image, line, result=result, stages_us=stages_us)


def _line(image, result, parsed, stages_us, fields) -> str:
    if not parsed.json:
        box = fields.get("box")
        place = "" if box is None else "  at {}, {} to {}, {}".format(*box)
        return (
            f"{in_one_line(image.name)}: {in_one_line(result.prediction or NOTHING)}  {result.probability:.1%}  "
            f"{result.num_patches} patches  {result.milliseconds:.2f} ms{place}"
        )
    if image.age is not None:
        fields["age_ms"] = round(image.age * 1e3)
    if parsed.cells:
        fields["cells"] = [] if result.cells is None else result.cells.tolist()
    if parsed.timing:
        fields["stages_us"] = {stage: round(value, 1) for stage, value in stages_us.items()}
    return json.dumps(fields, allow_nan=False)


def in_one_line(text) -> str:
    """Returns a text with its control characters escaped, such as a line's end in a file's name."""
    text = str(text)
    return CONTROLS.sub(lambda found: repr(found[0])[1:-1], text) if CONTROLS.search(text) else text


def error_line(told: Told, as_json: bool) -> str:
    """Returns the line of an image that could not be read: for stdout as JSON, else for stderr."""
    reason = one_line(told.error)
    return json.dumps({"path": str(told.image.name), "error": reason}) if as_json else f"error: {reason}"
