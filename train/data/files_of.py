"""The files of a data set in a folder or a zip: none from outside, none that is no plain file, each of bounded size."""

import bz2
import copy
import lzma
import os
import posixpath
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from train.errors import UserError
from train.plain_files import MOST_BYTES, check_plain, check_size, read_plain, reason

MOST_ARRAYS = 2**30  # bytes of the arrays in one .npz file
MOST_DICTIONARY = 2**26  # bytes that LZMA looks back
BLOCK = 2**16  # bytes that are unpacked at a time
# What reading an .npz file may raise; OSError, ValueError and KeyError say most.
DAMAGED = (
    *(OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error),
    *(RuntimeError, tokenize.TokenError),  # it counts as encrypted, and its header has a bracket that is never closed
)
METHODS = {1: "Shrink", 6: "Implode", 9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES"}


def opened(path: Path, landmark: str, flag: str = "--data_dir") -> Callable[[str], bytes]:
    """Returns a reader of the files in a folder or zip: a function, name -> bytes.

    It raises OSError or ValueError for a file that is missing, outside, encrypted, damaged, or larger than
    `MOST_BYTES`.

    Args:
        landmark: a file that lies beside the others: in `path`, or in the one folder in it that holds such a file.

    Raises:
        UserError: it is neither a folder nor a readable zip, or a zip with one name twice.
    """
    if path.is_dir():
        inside = _only_folder(path, landmark)
        return lambda name: read_plain(_beside(inside, name), within=path)
    check_exists(path, landmark, flag)
    try:
        check_plain(path)
        archive = zipfile.ZipFile(path)
    except Exception as error:  # of a damaged one zipfile raises almost anything
        raise UserError(f"{flag} must be a folder or a zip. Received: {path} ({reason(error)})") from error
    members = _members(archive, f"{flag} must hold each name once. Received: {path}, ")
    prefix = _prefix(list(members), landmark)
    return lambda name: _member(archive, members.get(prefix + _relative(plain_name(name))))


def _members(archive: zipfile.ZipFile, mistake: str) -> dict[str, zipfile.ZipInfo]:
    """Returns a zip's files by their plain names; UserError, which begins with `mistake`, where two have one name."""
    members = {}
    for member in archive.infolist():
        name = plain_name(member.filename)
        if not name.endswith("/") and members.setdefault(name, member) is not member:
            raise UserError(f"{mistake}with {name[:80]!r} twice; zip the folder again")
    return members


def plain_name(name: str) -> str:
    """Returns a name in a zip with slashes, where programs of Windows write backslashes, and with no dot before it."""
    return name.replace("\\", "/").removeprefix("./")


def check_exists(path: Path, landmark: str, flag: str):
    """Raises UserError where there is no such folder or file; arguments as of `opened`."""
    if not path.exists():
        raise UserError(f"{flag} does not exist. Received: {path}; give a folder or zip with images and {landmark}")


def check_arrays(path: Path, most: int = MOST_ARRAYS):
    """Raises OSError or ValueError where the arrays of an .npz file can't be read, or are of more than `most` bytes.

    Whatever the arrays' own headers say, NumPy touches no more memory than their parts of the zip unpack to.
    """
    check_plain(path)
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
    check_size(sum(part.file_size for part in parts), most)
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise ValueError("it is compressed otherwise than NumPy does")


def unpacked(file, most: int) -> bytes:
    """Returns what a file of compressed data gives; ValueError where that is more than `most` bytes."""
    blocks, size = [], 0
    while block := file.read(BLOCK):
        size += len(block)
        check_size(size, most)
        blocks.append(block)
    return b"".join(blocks)


def _relative(name: str) -> str:
    """Returns the plain form of a name; ValueError where it leads out of the folder that it is beside."""
    plain = posixpath.normpath(name)
    if posixpath.isabs(plain) or plain.split("/")[0] == ".." or Path(plain).is_absolute():
        raise ValueError("it lies outside the data set's folder")
    return plain


def _beside(folder: Path, name: str) -> Path:
    """Returns the path of a name in a folder; a backslash in it, as Windows writes, is a slash if there is no such."""
    path = folder / _relative(name)
    return path if "\\" not in name or os.path.lexists(path) else folder / _relative(plain_name(name))


def _only_folder(path: Path, landmark: str) -> Path:
    """Returns the folder, or the one in it that holds the landmark where it does not do so itself."""
    if os.path.lexists(path / landmark):
        return path
    found = [folder for folder in path.iterdir() if not _is_hidden(folder.name) and os.path.lexists(folder / landmark)]
    return found[0] if len(found) == 1 else path


def _prefix(names: list[str], landmark: str) -> str:
    """Returns what stands before the names of a zip that was made of a folder; nothing where it was not."""
    if landmark in names:
        return ""
    found = [name.removesuffix(landmark) for name in names if name.endswith(f"/{landmark}")]
    found = [prefix for prefix in found if prefix.count("/") == 1 and not _is_hidden(prefix)]
    return found[0] if len(found) == 1 else ""


def _of_other_methods(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Returns a member packed by BZIP2 or LZMA, no more of it than it says it has: zipfile itself has no such limit."""
    packed = copy.copy(member)
    packed.compress_type, packed.file_size, packed.CRC = zipfile.ZIP_STORED, member.compress_size, None
    check_size(packed.file_size, MOST_BYTES)
    with archive.open(packed) as file:
        data = file.read(packed.file_size)
    if member.compress_type == zipfile.ZIP_BZIP2:
        whole = bz2.BZ2Decompressor().decompress(data, member.file_size + 1)
    else:  # two bytes of version, two of the properties' length: a byte of exponents, and the dictionary's size
        exponents, size = struct.unpack("<BI", data[4:9])
        check_size(size, MOST_DICTIONARY)
        sizes = {"lc": exponents % 9, "lp": exponents // 9 % 5, "pb": exponents // 45, "dict_size": max(size, 4096)}
        filters = [{"id": lzma.FILTER_LZMA1, **sizes}]
        whole = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(data[9:], member.file_size + 1)
    if len(whole) != member.file_size or zlib.crc32(whole) != member.CRC:
        raise ValueError("it is damaged: another length or checksum than the zip says")
    return whole


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo | None) -> bytes:
    if member is None:
        raise FileNotFoundError("there is no such file in the zip")
    try:
        check_size(member.file_size, MOST_BYTES)
        if member.flag_bits & 1:
            raise ValueError("it is encrypted; zip the folder again without a password")
        if member.compress_type in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            return _of_other_methods(archive, member)
        with archive.open(member) as file:
            return unpacked(file, MOST_BYTES)
    except NotImplementedError as error:
        method = METHODS.get(member.compress_type, f"method {member.compress_type}")
        raise ValueError(f"it is compressed by {method}; zip the folder again by Deflate") from error
    except (OSError, ValueError):
        raise
    except Exception as error:  # zipfile and its decompressors raise almost anything
        raise ValueError(f"it is damaged: {reason(error)}") from error
