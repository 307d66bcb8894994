"""The checksum that a manifest's file ends with, so that damage in the file itself is found.

It is the last field, and covers every byte before its own line: the file stays readable, and none of its bits can
change unseen. A manifest of format version 3 or 4 may be without, and is then believed as it is: `edge.run` says so,
and `edge.bundle check` refuses it. Zip files have checksums of their own.
"""

import hashlib
import re

from edge.errors import UserError

SINCE_VERSION = 5  # of the format: every manifest has one
STAMP = "python -m edge.bundle stamp"
LINE = re.compile(rb',\n  "checksum": "([0-9a-f]{64})"\n\}\n\Z')
LENGTH = len(',\n  "checksum": ""\n}\n') + 64


def with_checksum(file: bytes) -> bytes:
    """Returns a manifest's file, an object without a checksum and not empty, with one."""
    covered = file.rstrip().removesuffix(b"}").rstrip()
    return covered + b',\n  "checksum": "%s"\n}\n' % hashlib.sha256(covered).hexdigest().encode()


def is_right(file: bytes) -> bool:
    """Returns whether a manifest's file ends with its checksum."""
    covered, line = file[:-LENGTH], LINE.fullmatch(file[-LENGTH:])
    return line is not None and line[1].decode() == hashlib.sha256(covered).hexdigest()


def check(file: bytes, content: dict) -> None:
    """Raises UserError where a manifest is not as it was written: its checksum is wrong, or missing."""
    version = content.get("format_version")
    if type(version) is int and version > SINCE_VERSION:
        return  # who reads it refuses it
    old = type(version) is int and version < SINCE_VERSION
    if not is_right(file) and ("checksum" in content or not old):
        raise UserError(
            "manifest.json is not as it was written: its checksum is wrong or missing; copy the bundle again, or vouch "
            f"for a change of your own with {STAMP}"
        )
