"""Writes a digitStruct.mat, as a file to measure the reader with and to test with.

The library takes some 0.1 ms for each of the twenty objects of a photograph. So it writes only what there is one of;
the objects of the photographs are stamped out by NumPy, from one pattern for all with equally many digits.
"""

import functools
import struct
from pathlib import Path

import h5py
import numpy as np
from h5py import h5d, h5g, h5o, h5p, h5s, h5t

from train.data.svhn_format1 import hdf5_encoding as hdf5
from train.data.svhn_format1.digit_struct import FIELDS, DigitStruct
from train.progress import Progress

USER_BLOCK = 512
VERSIONS = ("earliest", "v108")
TABLE_IN_GROUP = 24  # where a new group's header says where its tree and its heap are
END_OF_FILE = USER_BLOCK + 40  # where the superblock says how long the file is
CHUNK = 2000  # photographs that are stamped out together
NAME = 7  # characters of the name of a member of #refs#
ALPHABET = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", np.uint8)
ADDRESS, MEMBER, VALUE = b"@adr", b"@mem", b"@val"  # kinds of blanks
WORD = np.arange(8)


def write_digit_struct(path: Path, annotation: DigitStruct):
    """Writes a digitStruct.mat as MATLAB wrote SVHN's: old-style groups, and small data sets within their headers.

    Every object has its own place, attributes and name in #refs#; the groups' lists of fields share five texts.
    """
    part = path.with_name(f"{path.name}.part")
    with h5py.File(part, "w", libver=VERSIONS, userblock_size=USER_BLOCK) as file:
        table = h5o.get_info(h5g.create(file.id, b"#refs#")).addr + USER_BLOCK + TABLE_IN_GROUP
    head = hdf5.padded(part.read_bytes())
    with open(part, "wb") as file:
        file.write(head)
        writer = _Writer(file)
        names, boxes, members = writer.photographs(annotation, Progress(f"writing {path}", len(annotation), "entries"))
        tree_and_heap = writer.group(members)
        head = head.replace(head[table : table + 16], tree_and_heap)  # in the group's header and in the link to it
        head = head[:END_OF_FILE] + struct.pack("<Q", file.tell()) + head[END_OF_FILE + 8 :]
        file.seek(0)
        file.write(head)
    with h5py.File(part, "r+", libver=VERSIONS) as file:
        group = h5g.create(file.id, b"digitStruct")
        _write_references(group, b"bbox", boxes)
        _write_references(group, b"name", names)
        file["digitStruct"].attrs["MATLAB_class"] = np.bytes_("struct")
    with open(part, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64 HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM")
    part.replace(path)


def _write_references(group, name: bytes, addresses: np.ndarray):
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_layout(h5d.CONTIGUOUS)
    data = h5d.create(group, name, h5t.STD_REF_OBJ, h5s.create_simple((len(addresses), 1)), properties)
    data.write(h5s.ALL, h5s.ALL, addresses[:, None].copy(), h5t.STD_REF_OBJ)


class _Writer:
    """Appends to a file, in pieces of a multiple of eight bytes."""

    def __init__(self, file):
        self.file = file

    @property
    def address(self) -> int:
        """Where the next piece will stand."""
        return self.file.tell() - USER_BLOCK

    def append(self, data) -> int:
        """Returns the address of what was appended."""
        address = self.address
        self.file.write(data)
        return address

    def photographs(self, annotation: DigitStruct, progress: Progress) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Appends the objects of n photographs.

        Returns:
            int64 addresses: [n] of the names, [n] of the groups, and [m] of all members of #refs#.
        """
        texts = self.append(hdf5.text_collection([field.encode() for field in FIELDS]))
        names, boxes, members, count = [], [], [], 0
        entries = list(annotation)
        for start in range(0, len(entries), CHUNK):
            chunk = entries[start : start + CHUNK]
            data, first, addresses = _stamp(chunk, self.address, count, texts)
            self.append(data)
            names.append(addresses[first])
            boxes.append(addresses[first + 1])
            members.append(addresses)
            count += len(addresses)
            progress.advance(len(chunk))
        return np.concatenate(names), np.concatenate(boxes), np.concatenate(members)

    def group(self, members: np.ndarray) -> bytes:
        """Appends the group of the members; returns the addresses of its tree and its heap."""
        data = bytes(8) + _member_names(np.arange(len(members))).tobytes()
        text = self.append(data)
        heap = self.append(hdf5.heap_header(len(data), hdf5.NO_FREE_BLOCK, struct.pack("<Q", text)))
        names = 8 + 8 * np.arange(len(members), dtype=np.uint64)
        nodes, last = hdf5.leaf_nodes(names, members)
        level, address = 0, self.append(nodes)
        while level == 0 or len(nodes) > 1:
            below = address + nodes.itemsize * np.arange(len(nodes), dtype=np.uint64)
            nodes, last = hdf5.tree_nodes(level, self.address, below, last)
            level, address = level + 1, self.append(nodes)
        return struct.pack("<QQ", address, heap)


def _member_names(numbers: np.ndarray) -> np.ndarray:
    """Returns uint8 [..., 8]: names of members of #refs#, in the order of their numbers, and a zero each."""
    digits = numbers[..., None] // len(ALPHABET) ** np.arange(NAME - 1, -1, -1) % len(ALPHABET)
    return np.concatenate([ALPHABET[digits], np.zeros((*numbers.shape, 1), np.uint8)], axis=-1)


def _stamp(entries: list, address: int, count: int, texts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the bytes of the photographs, int64 [n] the first member of each, and the address of each member.

    Args:
        entries: (file name, digits, boxes) of each.
        address: where the bytes will stand.
        count: number of members of #refs# before.
        texts: address of the texts of the fields.
    """
    names = [name.encode("utf-16-le") for name, _, _ in entries]
    kinds = np.array([(len(digits), len(name)) for name, (_, digits, _) in zip(names, entries)])
    patterns = [_Pattern(*kind, texts) for kind in kinds.tolist()]
    sizes, members = np.array([(len(pattern.data), len(pattern.members)) for pattern in patterns]).T
    starts, first = np.cumsum(sizes) - sizes, np.cumsum(members) - members
    data, addresses = np.empty(sizes.sum(), np.uint8), np.empty(members.sum(), np.int64)
    for kind in np.unique(kinds, axis=0):
        chosen = np.flatnonzero(np.all(kinds == kind, axis=1))
        pattern = patterns[chosen[0]]
        which = first[chosen, None] + np.arange(len(pattern.members))
        addresses[which] = address + starts[chosen, None] + pattern.members
        text = np.frombuffer(b"".join(names[i] for i in chosen), np.uint8).reshape(len(chosen), -1)
        values = np.stack([_fields(*entries[i][1:]) for i in chosen])
        copies = pattern.stamp(address + starts[chosen], _member_names(count + which), values, text)
        np.lib.stride_tricks.sliding_window_view(data, len(pattern.data), writeable=True)[starts[chosen]] = copies
    return data, first, addresses


def _fields(digits: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Returns float64 [fields * digits]."""
    left, top, right, bottom = boxes.astype(np.float64).T
    return np.concatenate([bottom - top, np.where(digits == 0, 10, digits), left, top, right - left])


@functools.cache
class _Pattern:
    """The objects of a photograph, with blanks where photographs differ.

    Args:
        digits: how many.
        text: bytes of the file's name.
        texts: address of the texts of the fields.

    Attributes:
        data: the bytes.
        members: where in them the members of #refs# begin: the name, the group, and numbers where there are several.
    """

    def __init__(self, digits: int, text: int, texts: int):
        several = digits != 1
        number = len(FIELDS) * digits * several
        objects = [_text(text), *_group(texts)]
        fields = len(objects)
        for i in range(len(FIELDS)):
            targets = fields + len(FIELDS) + i * digits + np.arange(digits)
            objects.append(_references(targets) if several else _number(i, 1))
        objects += [_number(i, 2 + i) for i in range(number)]
        sizes = np.array([len(each) for each in objects])
        starts = np.cumsum(sizes) - sizes
        self.data = b"".join(objects)
        self.members = np.concatenate([starts[:2], starts[fields + len(FIELDS) :]])
        self.text = self.data.index(b"\xff\xfe" * (text // 2)) + np.arange(text)
        address, target = self._blanks(ADDRESS)
        self.address, self.target = address, starts[target]
        self.name, self.owner = self._blanks(MEMBER)
        self.value, self.which = self._blanks(VALUE)

    def _blanks(self, kind: bytes) -> tuple[np.ndarray, np.ndarray]:
        """Returns [blanks, 8] the bytes of each blank of a kind, and its number."""
        parts = self.data.split(kind)
        places = np.cumsum([len(part) for part in parts[:-1]]) + len(kind) * np.arange(len(parts) - 1)
        return places.astype(int)[:, None] + WORD, np.array([int.from_bytes(part[:4], "little") for part in parts[1:]])

    def stamp(self, starts: np.ndarray, names: np.ndarray, values: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """Returns uint8 [n, size]: n photographs.

        Args:
            starts: int64 [n], where each will stand.
            names: uint8 [n, members, 8].
            values: float64 [n, fields * digits].
            texts: uint8 [n, bytes of a name].
        """
        copies = np.tile(np.frombuffer(self.data, np.uint8), (len(starts), 1))
        copies[:, self.address] = _words(starts[:, None] + self.target)
        copies[:, self.name] = names[:, self.owner]
        copies[:, self.value] = _words(values[:, self.which])
        copies[:, self.text] = texts
        return copies


def _words(numbers: np.ndarray) -> np.ndarray:
    """Returns uint8 [..., 8]: the bytes of numbers of eight bytes."""
    return np.ascontiguousarray(numbers)[..., None].view(np.uint8)


def _blank(kind: bytes, which: int) -> bytes:
    return kind + struct.pack("<I", which)


def _path(member: int) -> bytes:
    """Returns the attribute that says under which name an object stands."""
    return hdf5.attribute(b"H5PATH", hdf5.text_type(8 + NAME), hdf5.dataspace(), b"/#refs#/" + _blank(MEMBER, member))


def _data_set(datatype: bytes, rows: int, fill: list[bytes], data: bytes, more: list[bytes]) -> bytes:
    """Returns a data set [rows, 1] within its header."""
    return hdf5.header(
        [
            hdf5.message(hdf5.DATASPACE, hdf5.dataspace(rows, 1)),
            hdf5.message(hdf5.DATATYPE, datatype, hdf5.CONSTANT),
            *fill,
            hdf5.compact_layout(data),
            hdf5.message(hdf5.MODIFIED, struct.pack("<II", 1, 0)),
            *more,
        ]
    )


NO_FILL_VALUE = [hdf5.message(hdf5.FILL_VALUE, bytes.fromhex("0201020100000000"), hdf5.CONSTANT)]
NULL_REFERENCE = [
    hdf5.message(hdf5.FILL_VALUE, bytes.fromhex("0201020108000000") + bytes(8), hdf5.CONSTANT),
    hdf5.message(hdf5.OLD_FILL_VALUE, struct.pack("<I", 8) + bytes(8), hdf5.CONSTANT),
]


def _text(size: int) -> bytes:
    decode = hdf5.attribute(b"MATLAB_int_decode", hdf5.INT32, hdf5.dataspace(), struct.pack("<I", 2))
    more = [hdf5.text_attribute(b"MATLAB_class", b"char"), decode, _path(0)]
    return _data_set(hdf5.UINT16, size // 2, NO_FILL_VALUE, b"\xff\xfe" * (size // 2), more)


def _number(value: int, member: int) -> bytes:
    more = [hdf5.text_attribute(b"MATLAB_class", b"double"), _path(member), hdf5.message(hdf5.SPACE, bytes(8))]
    return _data_set(hdf5.FLOAT64, 1, NO_FILL_VALUE, _blank(VALUE, value), more)


def _references(targets: np.ndarray) -> bytes:
    data = b"".join(_blank(ADDRESS, target) for target in targets)
    return _data_set(hdf5.REFERENCE, len(targets), NULL_REFERENCE, data, [hdf5.message(hdf5.SPACE, bytes(104))])


def _group(texts: int) -> list[bytes]:
    """Returns objects 1 to 6 of a photograph: a group's header, the block after it, tree, heap, names and leaf."""
    lists = b"".join(struct.pack("<IQI", len(field), texts, i + 1) for i, field in enumerate(FIELDS))
    block = b"".join(
        [
            hdf5.message(hdf5.SYMBOL_TABLE, _blank(ADDRESS, 3) + _blank(ADDRESS, 4)),
            hdf5.text_attribute(b"MATLAB_class", b"struct"),
            _path(1),
            hdf5.attribute(b"MATLAB_fields", hdf5.TEXTS, hdf5.dataspace(len(FIELDS)), lists),
        ]
    )
    header = hdf5.header([hdf5.message(hdf5.CONTINUATION, _blank(ADDRESS, 2) + struct.pack("<Q", len(block)))], 4)
    names = bytes(8) + b"".join(field.encode().ljust(8, b"\0") for field in FIELDS)
    free = struct.pack("<QQ", hdf5.NO_FREE_BLOCK, 40).ljust(40, b"\0")
    heap = hdf5.heap_header(len(names + free), len(names), _blank(ADDRESS, 5))
    places = 8 + 8 * np.arange(len(FIELDS))
    blanks = [int.from_bytes(_blank(ADDRESS, 7 + i), "little") for i in range(len(FIELDS))]
    leaf, last = hdf5.leaf_nodes(places, np.array(blanks, np.uint64))
    tree, _ = hdf5.tree_nodes(0, 0, np.frombuffer(_blank(ADDRESS, 6), np.uint64), last)
    return [header, block, tree.tobytes(), heap, names + free, leaf.tobytes()]
