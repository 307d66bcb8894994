"""Files that the tools read, none that is no plain file, each of bounded size; and pictures that they write."""

import io
import json
import stat
import tokenize
import zipfile
import zlib
from pathlib import Path

from PIL import Image

from edge.errors import UserError, one_line
from edge.output import write

MOST_TEXT = 2**26  # bytes of a JSON file
MOST_ARRAYS = 2**30  # bytes of the arrays in one .npz file
# What reading an .npz file may raise; OSError, ValueError and KeyError say most.
DAMAGED = (
    *(OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error),
    *(RuntimeError, tokenize.TokenError),  # it counts as encrypted, and its header has a bracket that is never closed
)


def read_json(path):
    """Returns what a JSON file holds, with or without a byte order mark.

    Raises:
        OSError: it can't be read.
        ValueError: it is no JSON, no plain file, or larger than `MOST_TEXT`.
    """
    check_size(path, MOST_TEXT)
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except RecursionError:
        raise ValueError("it holds lists within too many lists") from None


def check_arrays(path, most: int = MOST_ARRAYS):
    """Raises an error of `DAMAGED` where the arrays of an .npz file can't be read, or are of more than `most` bytes.

    Whatever the arrays' own headers say, NumPy touches no more memory than their parts of the zip unpack to.
    """
    check_size(path, most)
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    size = sum(part.file_size for part in parts)
    if size > most:
        raise ValueError(f"it holds {size:,} bytes, more than {most:,}")
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise ValueError("it is compressed otherwise than NumPy does")


def check_size(path, most: int):
    """Raises ValueError where a path is of no plain file, or of one of more than `most` bytes."""
    state = Path(path).stat()
    if not stat.S_ISREG(state.st_mode):  # to open a FIFO would wait for its writer, a device gives without an end
        raise ValueError("it is no plain file")
    if state.st_size > most:
        raise ValueError(f"it holds {state.st_size:,} bytes, more than {most:,}")


def write_picture(picture: Image.Image, path, flag: str):
    """Writes a picture in the format that its name ends in; UserError where there is none, WorkError on a full disk."""
    file, kind = io.BytesIO(), Image.registered_extensions().get(Path(path).suffix.lower())
    try:
        picture.save(file, kind or "none")
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{flag} must be a picture's name, received {path} ({one_line(error)}); a.png is one"
        ) from error
    write(path, file.getvalue())
