"""Many small HDF5 objects at once, read by NumPy out of the mapped file.

A library opens objects one by one, some 35 microseconds each; a digitStruct.mat of SVHN holds millions. They are all of
the same simple form (HDF5 file format specification, version 1 object headers, sections III.A, III.D and IV.A), which
is read here for all of them together. Whatever is of another form raises `LayoutError`: the library can still read it.
"""

import numpy as np

SYMBOL_TABLE_ENTRY = 40  # bytes
MOST_MESSAGES = 64  # in one object header; a damaged one may lead in a circle
DATATYPE, LAYOUT, CONTINUATION, SYMBOL_TABLE = 0x03, 0x08, 0x10, 0x11  # kinds of messages in an object header
INTEGER, FLOAT, REFERENCE = 0, 1, 7  # classes of datatypes


class LayoutError(Exception):
    """An object is not of the form that is read in bulk."""


class ObjectFile:
    """An HDF5 file, mapped.

    Args:
        path: the file.
        base: where its addresses count from: the size of the user block.
    """

    def __init__(self, path, base: int):
        self.bytes = np.memmap(path, np.uint8, "r")
        self.base = base

    def gather(self, positions, width: int) -> np.ndarray:
        """Returns uint8 [n, width]: the bytes from each position of the file on; LayoutError beyond its end."""
        positions = np.asarray(positions, np.int64)
        if len(positions) and (positions.min() < 0 or positions.max() + width > len(self.bytes)):
            raise LayoutError("an address lies beyond the end of the file")
        return np.lib.stride_tricks.sliding_window_view(self.bytes, width)[positions]

    def numbers(self, positions, dtype) -> np.ndarray:
        """Returns the number that stands at each position."""
        dtype = np.dtype(dtype)
        return self.gather(positions, dtype.itemsize).view(dtype)[:, 0]

    def addresses(self, positions) -> np.ndarray:
        """Returns the address that stands at each position, as a position in the file."""
        return self.numbers(positions, "<i8") + self.base

    def messages(self, headers, kinds) -> list[np.ndarray]:
        """Returns, for each kind of message, where its data begins in each object header (a position in the file)."""
        headers = np.asarray(headers, np.int64)
        _require(self.numbers(headers, np.uint8) == 1, "an object header is not of version 1")
        found = [np.full(len(headers), -1) for _ in kinds]
        active = np.arange(len(headers))
        position = headers + 16
        end = position + self.numbers(headers + 8, "<u4")
        next_block, next_end = np.full((2, len(headers)), -1)
        for _ in range(MOST_MESSAGES):
            if not len(active):
                break
            kind, size = self.gather(position, 4).view("<u2").T.astype(np.int64)
            data = position + 8
            for wanted, where in zip(kinds, found):
                where[active[kind == wanted]] = data[kind == wanted]
            goes_on = kind == CONTINUATION
            next_block[goes_on] = self.addresses(data[goes_on])
            next_end[goes_on] = next_block[goes_on] + self.numbers(data[goes_on] + 8, "<i8")
            position = data + size
            over = position + 8 > end
            position, end = np.where(over, next_block, position), np.where(over, next_end, end)
            next_block[over] = next_end[over] = -1
            keep = (position >= 0) & np.any([where[active] < 0 for where in found], axis=0)
            active, position, end, next_block, next_end = (
                each[keep] for each in (active, position, end, next_block, next_end)
            )
        for where in found:
            _require(where >= 0, "an object header lacks a message")
        return found

    def members(self, groups, names) -> np.ndarray:
        """Returns [n, len(names)]: the object headers of the members of n groups, which must be those and no others.

        Args:
            groups: object headers of groups.
            names: their members in alphabetical order, of at most seven characters.
        """
        (table,) = self.messages(groups, [SYMBOL_TABLE])
        tree, heap = self.addresses(table), self.addresses(table + 8)
        _require_signature(self.gather(tree, 4), b"TREE")
        # Type 0 (of groups), level 0 (no nodes below), one entry in use.
        _require(self.numbers(tree + 4, "<u4") == 1 << 16, "a group's tree has more than one leaf")
        leaf = self.addresses(tree + 32)
        _require_signature(self.gather(leaf, 4), b"SNOD")
        _require(self.numbers(leaf + 6, "<u2") == len(names), f"a group has not {len(names)} members")
        _require_signature(self.gather(heap, 4), b"HEAP")
        heap = self.addresses(heap + 24)
        members = np.empty((len(table), len(names)), np.int64)
        for i, name in enumerate(names):
            entry = leaf + 8 + SYMBOL_TABLE_ENTRY * i
            at = heap + self.numbers(entry, "<i8")
            _require_signature(self.gather(at, len(name) + 1), name.encode() + b"\0")
            members[:, i] = self.addresses(entry + 8)
        return members

    def datasets(self, headers) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Returns (class, element size, position, bytes) of the data of each data set: compact or contiguous."""
        datatype, layout = self.messages(headers, [DATATYPE, LAYOUT])
        version_and_class, bits = self.gather(datatype, 2).T
        kind = version_and_class & 0x0F
        _require(version_and_class >> 4 == 1, "a datatype is not of version 1")
        _require(bits & 1 == 0, "a datatype is big-endian")
        element = self.numbers(datatype + 4, "<u4")
        version, storage = self.gather(layout, 2).T
        _require((version == 3) & (storage <= 1), "a data set is chunked")
        position, size = layout + 4, self.numbers(layout + 2, "<u2").astype(np.int64)
        contiguous = storage == 1  # else compact: the data stands in the header itself
        position[contiguous] = self.addresses(layout[contiguous] + 2)
        size[contiguous] = self.numbers(layout[contiguous] + 10, "<i8")
        _require((size >= 0) & (size <= len(self.bytes)), "a data set is larger than the file")
        return kind, element, position, size

    def scalars(self, headers) -> np.ndarray:
        """Returns float64 [n]: the one number that each data set holds."""
        kind, element, position, size = self.datasets(headers)
        _require((kind == FLOAT) & (element == 8) & (size == 8), "a data set is not one float64")
        return self.numbers(position, "<f8")

    def texts(self, headers) -> list[str]:
        """Returns the text that each data set holds, as MATLAB stores it: UTF-16."""
        kind, element, position, size = self.datasets(headers)
        _require((kind == INTEGER) & (element == 2), "a data set is not text")
        texts = [""] * len(position)
        for width in np.unique(size):
            chosen = np.flatnonzero(size == width)
            for i, row in zip(chosen, self.gather(position[chosen], int(width))):
                texts[i] = row.tobytes().decode("utf-16-le")
        return texts


def _require(holds, message: str):
    if not np.all(holds):
        raise LayoutError(message)


def _require_signature(found: np.ndarray, signature: bytes):
    _require(found == np.frombuffer(signature, np.uint8), f"{signature!r} is not where it should be")
