"""The part of a frame that is read, kept in a file."""

import json
from dataclasses import astuple, dataclass
from pathlib import Path

from edge.errors import UserError, one_line
from edge.files import read_bytes
from edge.output import replacing

LEAST = 8  # pixels a side
MOST_BYTES = 4096  # of the file that a region lies in


@dataclass(frozen=True)
class Region:
    """A rectangle in parts of a frame's sides, so that it stays in place where the camera's size changes."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    @classmethod
    def from_content(cls, content) -> "Region":
        """Returns the region of JSON: None for the whole frame, or [left, top, right, bottom] in parts of its sides.

        Raises:
            UserError: it is something else, or empty.
        """
        if content is None:
            return cls()
        numbers = (
            isinstance(content, list) and len(content) == 4 and all(type(side) in (int, float) for side in content)
        )
        if not numbers or not (0 <= content[0] < content[2] <= 1 and 0 <= content[1] < content[3] <= 1):
            raise UserError(
                f"a region must be [left, top, right, bottom] in parts of the frame, from 0 to 1, received "
                f"{str(content)[:80]}; draw another"
            )
        return cls(*map(float, content))

    def content(self) -> list | None:
        """Returns the region as `from_content` takes it."""
        return None if self == Region() else list(astuple(self))

    def in_pixels(self, size) -> tuple[int, int, int, int]:
        """Returns (left, top, right, bottom) in a frame of a size (width, height), `LEAST` a side where it has them."""
        width, height = size
        left, right = _side(self.left, self.right, width)
        top, bottom = _side(self.top, self.bottom, height)
        return left, top, right, bottom


def _side(first: float, last: float, length: int) -> tuple[int, int]:
    least = min(LEAST, length)
    begin = min(round(first * length), length - least)
    return begin, max(begin + least, min(length, round(last * length)))


def load_region(path: Path | None) -> Region:
    """Returns the region that a file holds, without a file the whole frame; UserError where it can't be read."""
    if path is None or not path.exists():
        return Region()
    try:
        return Region.from_content(json.loads(read_bytes(path, MOST_BYTES)))
    except (OSError, ValueError, RecursionError, UserError) as error:
        raise UserError(f"{path} holds no region: {one_line(error)}; delete the file") from None


def save_region(path: Path, region: Region) -> None:
    """Writes the file, whole or not at all; OSError where it cannot be written."""
    with replacing(path) as fresh:
        fresh.write_text(json.dumps(region.content()))
