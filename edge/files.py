"""Files of the user's, read without surprises: nothing that is no file, and no more than a device has room for."""

import codecs
import json
import os
import stat

from edge.errors import UserError, one_line

KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
TOO_LONG = "it is longer than the {:,} bytes that it may have"
MOST_JSON_BYTES = 2**24  # Python needs some twenty times as much for the worst of them


def open_file(path, limit: int | None = None):
    """Returns a file that is open for reading bytes.

    Args:
        limit: bytes that it may have now; None: any number.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is a folder, a pipe, a socket or a device: that may have no end, or never begin. Or it is longer.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would wait for its other end
    try:
        found = os.fstat(descriptor)
        mode = found.st_mode
        if not stat.S_ISREG(mode):
            kind = next((name for is_kind, name in KINDS.items() if is_kind(mode)), "something else")
            raise ValueError(f"it is {kind}, and no file")
        if limit is not None and found.st_size > limit:
            raise ValueError(TOO_LONG.format(limit))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_bytes(path, limit: int) -> bytes:
    """Returns a file's content; for errors see `open_file`, ValueError also where it has more than `limit` bytes."""
    with open_file(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(TOO_LONG.format(limit))
    return content


def text_of(content: bytes, errors: str = "strict") -> str:
    """Returns the text in a file: of UTF-8, or of UTF-16 with the mark that Windows writes; ValueError for others."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if marked else "utf-8-sig", errors)


def read_json(path, remedy: str, limit: int = MOST_JSON_BYTES):
    """Returns what a JSON file holds: text as of `text_of`, no NaN or infinity, nothing twice in an object.

    Args:
        remedy: how the message ends that says it cannot be read.
        limit: bytes that it may have.

    Raises:
        UserError: it cannot be read, or is no JSON.
    """
    try:
        content = json.loads(text_of(read_bytes(path, limit)), parse_constant=_refuse, object_pairs_hook=fields_once)
        json.dumps(content, ensure_ascii=False).encode()  # fails on half a character, which nothing can print
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as JSON: {one_line(error)}; {remedy}") from None
    return content


def fields_once(pairs) -> dict:
    """Returns the fields of a JSON object; ValueError where one is there twice."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)[:80]!r} is there twice")
    return fields


def _refuse(text):
    raise ValueError(f"{text} is no number")
