"""Zip files of strangers: what of them is read at all."""

import zipfile

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1  # bit of a member's flags
MOST_DIRECTORY_BYTES = 2**16  # of a zip's list of members
END, END_LENGTH, LONGEST_COMMENT = b"PK\5\6", 22, 2**16  # of a zip: its last record


def opened(file) -> zipfile.ZipFile:
    """Returns a zip's archive.

    Raises:
        zipfile.BadZipFile: it is none, or its list of members is longer than any bundle's: all of that is read at once.
        OSError, ValueError, NotImplementedError: it is damaged.
    """
    file.seek(0, 2)
    file.seek(max(0, file.tell() - END_LENGTH - LONGEST_COMMENT))
    tail = file.read()
    last = tail[-END_LENGTH:]
    at = len(tail) - END_LENGTH if last[:4] == END and last[-2:] == b"\0\0" else tail.rfind(END)
    length = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if length > MOST_DIRECTORY_BYTES:  # also of 0xffffffff, which announces a longer one
        raise zipfile.BadZipFile(f"its list of members has {length:,} bytes, and {MOST_DIRECTORY_BYTES:,} are the most")
    return zipfile.ZipFile(file)


def is_readable(member: zipfile.ZipInfo) -> bool:
    """Returns whether a member is stored or deflated, and not encrypted."""
    return member.compress_type in METHODS and not member.flag_bits & ENCRYPTED
