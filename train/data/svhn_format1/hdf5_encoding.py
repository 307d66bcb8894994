"""The bytes of many small HDF5 objects, for files whose millions of objects the library would write one by one.

The forms are those of `hdf5_objects`: version 1 object headers and old-style groups (HDF5 file format specification,
sections III.A, III.B, III.D, III.E and IV.A). Addresses count from the end of the user block.
"""

import struct

import numpy as np

DATASPACE, DATATYPE, OLD_FILL_VALUE, FILL_VALUE, LAYOUT, ATTRIBUTE = 0x01, 0x03, 0x04, 0x05, 0x08, 0x0C
CONTINUATION, SYMBOL_TABLE, MODIFIED, SPACE = 0x10, 0x11, 0x12, 0x00  # more kinds of messages in an object header
CONSTANT = 1  # flag of a message
UNDEFINED = 2**64 - 1  # no address
LEAF, BRANCH = 8, 32  # most members of a group's leaf, most nodes below a node of its tree
NO_FREE_BLOCK = 1
FLOAT64 = bytes.fromhex("11203f000800000000004000340b0034ff03000000000000")
UINT16 = bytes.fromhex("10000000020000000000100000000000")
INT32 = bytes.fromhex("100800000400000000002000")
REFERENCE = bytes.fromhex("1700000008000000")
TEXTS = bytes.fromhex("19000000100000001300000001000000")  # of variable length
SYMBOL = np.dtype([("name", "<u8"), ("header", "<u8"), ("rest", "V24")])
LEAF_NODE = np.dtype([("start", "V6"), ("used", "<u2"), ("symbols", SYMBOL, LEAF)])
TREE_NODE = np.dtype(
    [("start", "V5"), ("level", "u1"), ("used", "<u2"), ("beside", "<u8", 2), ("words", "<u8", 2 * BRANCH + 1)]
)


def padded(data: bytes) -> bytes:
    """Returns `data` and zeros up to a multiple of eight bytes."""
    return data + bytes(-len(data) % 8)


def message(kind: int, data: bytes, flags: int = 0) -> bytes:
    """Returns one message of an object header."""
    data = padded(data)
    return struct.pack("<HHB3x", kind, len(data), flags) + data


def header(messages: list[bytes], elsewhere: int = 0) -> bytes:
    """Returns an object header; `elsewhere` is the number of messages in the blocks it goes on in."""
    data = b"".join(messages)
    return struct.pack("<BxHII4x", 1, len(messages) + elsewhere, 1, len(data)) + data


def dataspace(*shape: int) -> bytes:
    """Returns the extent of a data set or an attribute, which is also the largest it may take."""
    return struct.pack(f"<BBB5x{2 * len(shape)}Q", 1, len(shape), bool(shape), *shape, *shape)


def text_type(length: int) -> bytes:
    """Returns the datatype of a text of so many bytes."""
    return struct.pack("<II", 0x13, length)


def attribute(name: bytes, datatype: bytes, space: bytes, value: bytes) -> bytes:
    """Returns the message of an attribute."""
    sizes = struct.pack("<BxHHH", 1, len(name) + 1, len(datatype), len(space))
    return message(ATTRIBUTE, sizes + padded(name + b"\0") + padded(datatype) + padded(space) + value)


def text_attribute(name: bytes, value: bytes) -> bytes:
    """Returns the message of an attribute that is a text."""
    return attribute(name, text_type(len(value)), dataspace(), value)


def compact_layout(data: bytes) -> bytes:
    """Returns the message that holds a small data set's data."""
    return message(LAYOUT, struct.pack("<BBH", 3, 0, len(data)) + data)


def heap_header(size: int, free: int, address: bytes) -> bytes:
    """Returns the header of a group's heap of names: its size, its first free block and where it stands."""
    return b"HEAP" + struct.pack("<IQQ", 0, size, free) + address


def text_collection(texts: list[bytes], size: int = 4096) -> bytes:
    """Returns a global heap collection whose objects 1, 2 ... are the texts."""
    data = b"GCOL" + struct.pack("<IQ", 1, size)
    for i, text in enumerate(texts):
        data += struct.pack("<HH4xQ", i + 1, 0, len(text)) + padded(text)
    return (data + struct.pack("<HH4xQ", 0, 0, size - len(data))).ljust(size, b"\0")


def leaf_nodes(names: np.ndarray, headers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns LEAF_NODE [ceil(n / LEAF)] of n members in alphabetical order, and the last name of each.

    Args:
        names: where their names stand in the group's heap.
        headers: addresses of their object headers.
    """
    nodes = np.zeros(-(-len(names) // LEAF), LEAF_NODE)
    nodes["start"] = np.void(b"SNOD\x01\x00")
    nodes["used"] = used = _used(len(names), LEAF)
    symbols = np.zeros(len(nodes) * LEAF, SYMBOL)
    symbols["name"][: len(names)], symbols["header"][: len(names)] = names, headers
    nodes["symbols"] = symbols.reshape(-1, LEAF)
    return nodes, nodes["symbols"]["name"][np.arange(len(nodes)), used - 1]


def tree_nodes(level: int, address: int, below: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns TREE_NODE [ceil(n / BRANCH)], which stand from `address` on, and the last name of each.

    Args:
        level: 0 above leaves.
        address: where the nodes will stand.
        below: addresses of the n nodes of the level below.
        last: the last name in each of these, as a place in the group's heap.
    """
    count = -(-len(below) // BRANCH)
    nodes = np.zeros(count, TREE_NODE)
    nodes["start"] = np.void(b"TREE\x00")
    nodes["level"] = level
    nodes["used"] = used = _used(len(below), BRANCH)
    addresses = address + TREE_NODE.itemsize * np.arange(count, dtype=np.uint64)
    nodes["beside"] = UNDEFINED
    nodes["beside"][1:, 0], nodes["beside"][:-1, 1] = addresses[:-1], addresses[1:]
    children, lasts = (np.pad(each, (0, count * BRANCH - len(each))).reshape(count, BRANCH) for each in (below, last))
    ends = lasts[np.arange(count), used - 1]
    nodes["words"][:, 1::2] = children
    nodes["words"][:, 2::2] = lasts
    nodes["words"][1:, 0] = ends[:-1]
    return nodes, ends


def _used(total: int, most: int) -> np.ndarray:
    """Returns how many of `total` things each of the nodes that take `most` holds."""
    return np.minimum(most, total - most * np.arange(-(-total // most)))
