"""digitStruct.mat of SVHN format 1: which digits stand where in which photograph.

MATLAB v7.3, that is HDF5: `/digitStruct/name` and `/digitStruct/bbox` hold [n, 1] references to a text and to a group.
The group's `height`, `label`, `left`, `top` and `width` are one number each where there is one digit, else [m, 1]
references to one number each. The label of 0 is 10.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from train.data.svhn_format1.hdf5_objects import FLOAT, REFERENCE, LayoutError, ObjectFile
from train.errors import UserError
from train.progress import log

FIELDS = ("height", "label", "left", "top", "width")
CHUNK = 20000  # photographs whose objects are looked at together


@dataclass(frozen=True)
class DigitStruct:
    """The annotation of n photographs with m digits in all.

    Attributes:
        names: n file names.
        counts: int64 [n], number of digits of each.
        digits: uint8 [m], 0 to 9, in reading order.
        boxes: float32 [m, 4], (left, top, right, bottom) of each digit in pixels; they may reach beyond the photograph.
    """

    names: list[str]
    counts: np.ndarray
    digits: np.ndarray
    boxes: np.ndarray

    def __len__(self):
        return len(self.names)

    def __iter__(self) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yields (file name, digits uint8 [k], boxes float32 [k, 4]) of each photograph."""
        ends = np.cumsum(self.counts)
        for name, start, end in zip(self.names, ends - self.counts, ends):
            yield name, self.digits[start:end], self.boxes[start:end]


def read_digit_struct(path: Path) -> DigitStruct:
    """Returns what a digitStruct.mat holds.

    All objects are read together; where they are not stored as MATLAB stored SVHN's, one by one, which takes minutes.

    Raises:
        UserError: the file is missing, damaged or something else.
    """
    try:
        with h5py.File(path, "r") as file:
            names, boxes = (_addresses(file[f"digitStruct/{part}"]) for part in ("name", "bbox"))
            try:
                names, counts, values = _read_in_bulk(ObjectFile(path, file.userblock_size), names, boxes)
            except LayoutError as error:
                log.info("%s is not laid out as MATLAB does (%s): %d entries one by one", path, error, len(names))
                names, counts, values = read_one_by_one(file)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, UnicodeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path} is not a readable digitStruct.mat of SVHN ({reason}); take it from SVHN's archive again"
        ) from error
    return _digit_struct(path, names, counts, values)


def _addresses(dataset) -> np.ndarray:
    """Returns int64 [n]: the addresses that an [n, 1] data set of object references holds."""
    if dataset.ndim != 2 or dataset.shape[1] != 1 or h5py.check_ref_dtype(dataset.dtype) is not h5py.Reference:
        raise ValueError(f"{dataset.name} must be [n, 1] object references, and is {dataset.dtype} {dataset.shape}")
    addresses = np.empty(dataset.shape, np.int64)
    dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, addresses, h5py.h5t.STD_REF_OBJ)
    return addresses[:, 0]


def _read_in_bulk(file: ObjectFile, names, boxes) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Returns the names, int64 [n] numbers of digits and float64 [m, 5] fields."""
    texts, counts, values = [], [], []
    for start in range(0, len(names), CHUNK):
        part = slice(start, start + CHUNK)
        texts += file.texts(names[part] + file.base)
        members = file.members(boxes[part] + file.base, FIELDS)
        kind, element, position, size = (each.reshape(members.shape) for each in file.datasets(members.ravel()))
        several = kind == REFERENCE
        if np.any((several != several[:, :1]) | (size != size[:, :1])) or not np.all(several | (kind == FLOAT)):
            raise LayoutError("the five fields of a digit are not stored alike")
        if not np.all(element == 8):
            raise LayoutError("a field's elements are not of eight bytes")
        count = size[:, 0] // 8
        first = np.cumsum(count) - count
        fields = np.empty((count.sum(), len(FIELDS)))
        one = ~several[:, 0]
        for i in range(len(FIELDS)):
            fields[first[one], i] = file.scalars(members[one, i])
            which = np.repeat(first[~one], count[~one])
            within = np.arange(len(which)) - np.repeat(np.cumsum(count[~one]) - count[~one], count[~one])
            references = np.repeat(position[~one, i], count[~one]) + 8 * within
            fields[which + within, i] = file.scalars(file.addresses(references))
        counts.append(count)
        values.append(fields)
    return texts, np.concatenate([[], *counts]).astype(np.int64), np.concatenate([np.empty((0, len(FIELDS))), *values])


def read_one_by_one(file: h5py.File) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Returns what the bulk reader returns, by h5py alone: for any layout, at a hundredth of the speed."""
    names = ["".join(map(chr, file[reference][()].ravel())) for reference in file["digitStruct/name"][:, 0]]
    counts, values = [], []
    for reference in file["digitStruct/bbox"][:, 0]:
        group = file[reference]
        columns = [_numbers(file, group[field]) for field in FIELDS]
        counts.append(len(columns[0]))
        values.append(np.stack(columns, axis=1))
    return names, np.array(counts, np.int64), np.concatenate([np.empty((0, len(FIELDS))), *values])


def _numbers(file: h5py.File, dataset) -> list[float]:
    if h5py.check_ref_dtype(dataset.dtype) is None:
        return [float(value) for value in dataset[()].ravel()]
    return [float(file[reference][0, 0]) for reference in dataset[:, 0]]


def _digit_struct(path: Path, names, counts, values) -> DigitStruct:
    """Returns the checked annotation."""
    height, label, left, top, width = values.T
    if not len(names):
        raise UserError(f"{path} names no photographs; take it from SVHN's archive again")
    if np.any(~np.isin(label, np.arange(1, 11))):
        wrong = np.flatnonzero(~np.isin(label, np.arange(1, 11)))[0]
        name = names[np.searchsorted(np.cumsum(counts), wrong, side="right")]
        raise UserError(f"{path}: labels must be 1 to 10. Received: {label[wrong]:g} for {name}; mend the file")
    if np.any(counts < 1) or not np.all(np.isfinite(values)):
        raise UserError(f"{path} has a photograph without digits or a box without numbers; mend the file")
    boxes = np.stack([left, top, left + width, top + height], axis=1).astype(np.float32)
    return DigitStruct(names, counts, (label % 10).astype(np.uint8), boxes)
