"""The saliency's weights: arrays in an .npz file, of which no more is taken in than a device has room for."""

import io
import math
import tokenize

import numpy as np

from edge.bundle import zips

MOST_BYTES = 2**26  # of all arrays together, unpacked
MOST_ARRAYS = 16
MOST_HEADER_BYTES = 4096  # of an array
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_weights(content: bytes) -> dict[str, np.ndarray]:
    """Returns the arrays of an .npz file: name -> float32 array, row by row, all of its values finite.

    Raises:
        ValueError: an array is larger than its part of the file, or than `MOST_BYTES`; is not of numbers; or holds NaN
            or an infinity.
        OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error: it is damaged.
    """
    arrays, left = {}, MOST_BYTES
    with zips.opened(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > MOST_ARRAYS:
            raise ValueError(f"it holds {len(members)} arrays, and {MOST_ARRAYS} are the most")
        for member in members:
            name = member.filename.removesuffix(".npy")
            if not zips.is_readable(member):
                raise ValueError(f"{name} is neither stored nor deflated")
            with archive.open(member) as file:
                part = file.read(left + 1)  # stops decompressing there, whatever size the zip claims
            if len(part) > left:
                raise ValueError(f"its arrays have more than {MOST_BYTES:,} bytes")
            left -= len(part)
            arrays[name] = _array(part, name)
    return arrays


def _array(part: bytes, name: str) -> np.ndarray:
    """Returns the array of a .npy file, which must be as long as its header says: little stays little."""
    file = io.BytesIO(part)
    read_header = HEADERS.get(np.lib.format.read_magic(file))
    if read_header is None:
        raise ValueError(f"{name} is of an unknown version")
    try:
        shape, by_columns, dtype = read_header(file, max_header_size=MOST_HEADER_BYTES)
    except tokenize.TokenError as error:
        raise ValueError(f"{name} has a header with a bracket that is never closed") from error
    if dtype.kind != "f" or len(shape) > 8 or min(shape, default=1) < 0:
        raise ValueError(f"{name} must be an array of floats, and is of {dtype} and shape {shape}")
    count, there = math.prod(shape), len(part) - file.tell()
    if count * dtype.itemsize != there:
        raise ValueError(f"{name} has {there:,} bytes, and its header says {count * dtype.itemsize:,}")
    stored = np.frombuffer(part, dtype, count, file.tell()).reshape(shape, order="F" if by_columns else "C")
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(stored, np.float32).reshape(shape)  # which a number alone is not left as
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds what is no finite number")
    return values
