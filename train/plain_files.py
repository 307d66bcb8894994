"""Files of the user's, read without surprises: none that is no plain file, each of bounded size."""

import codecs
import os
import stat
from pathlib import Path

MOST_BYTES = 2**28  # of one file: more than an uncompressed photograph of the largest size that Pillow opens
KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a FIFO",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def read_plain(path: Path, within: Path | None = None, most: int | None = None) -> bytes:
    """Returns what a file holds.

    Args:
        within: the folder that it must lie in, links followed; anywhere where None.
        most: bytes that it may hold; `MOST_BYTES` where None.

    Raises:
        OSError: it is missing, or can't be read.
        ValueError: it lies elsewhere, is a FIFO, a device or the like, or holds more than `most` bytes.
    """
    real, most = Path(os.path.realpath(path)), most or MOST_BYTES
    if within is not None and not real.is_relative_to(os.path.realpath(within)):
        raise ValueError("it lies outside the data set's folder")
    check_plain(real)
    with open(real, "rb") as file:
        data = file.read(min(most, os.fstat(file.fileno()).st_size) + 1)
    check_size(len(data), most)
    return data


def text_of(data: bytes) -> str:
    """Returns the text in a file: of UTF-8, or of UTF-16 with the mark that Windows writes; UnicodeDecodeError else."""
    return data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")


def reason(error: BaseException, most: int = 160) -> str:
    """Returns an error's message on one line of at most so many characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= most else text[: most - 3] + "..."


def check_plain(path: Path):
    """Raises ValueError where a path is of a FIFO, a device or the like, OSError where there is none."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):  # to open a FIFO would wait for its writer, a device gives without an end
        raise ValueError(f"it is {next((kind for is_kind, kind in KINDS.items() if is_kind(mode)), 'no plain file')}")


def check_size(size: int, most: int):
    """Raises ValueError where something has more than `most` bytes."""
    if size > most:
        raise ValueError(f"it holds more than {most / 1e6:.0f} MB, the most that is read")
