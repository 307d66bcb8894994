"""Reads the digitStruct.mat of SVHN format 1: which digits stand where in which photograph.

MATLAB v7.3, that is HDF5: `/digitStruct/name` and `/digitStruct/bbox` hold [n, 1] references to a text and to a group.
The group's `height`, `label`, `left`, `top` and `width` are one number each where there is one digit, else [m, 1]
references to one number each. The label of 0 is 10.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from h5py import h5d, h5r, h5s, h5t

from train.errors import UserError
from train.progress import Progress

FIELDS = ("height", "label", "left", "top", "width")


@dataclass(frozen=True)
class DigitStruct:
    """The annotation of n photographs with m digits in all.

    Attributes:
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
    """Returns what a digitStruct.mat holds; UserError where the file is missing, damaged or something else.

    Every object is opened by itself, some 60 microseconds each. That is 40 s for `train`, and four minutes for `extra`.
    """
    try:
        with h5py.File(path, "r") as file:
            names, counts, values = _read(
                file, Progress(f"reading {path.name}", len(file["digitStruct/name"]), "entries")
            )
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, UnicodeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path} is not a readable digitStruct.mat of SVHN ({reason}); take it from SVHN's archive again"
        ) from error
    return _digit_struct(path, names, counts, values)


def _read(file: h5py.File, progress: Progress) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Returns the names, int64 [n] numbers of digits and float64 [m, 5] fields."""
    names, counts, values = [], [], [np.empty((0, len(FIELDS)))]
    for name, box in zip(_references(file, "name"), _references(file, "bbox"), strict=True):
        names.append(_read_text(h5r.dereference(name, file.id)))
        group = h5r.dereference(box, file.id)
        columns = [_read_field(file, h5d.open(group, field.encode())) for field in FIELDS]
        counts.append(len(columns[0]))
        values.append(np.stack(columns, axis=1))
        progress.advance(1)
    return names, np.array(counts, np.int64), np.concatenate(values)


def _references(file: h5py.File, part: str) -> np.ndarray:
    dataset = file[f"digitStruct/{part}"]
    if dataset.ndim != 2 or dataset.shape[1] != 1 or h5py.check_ref_dtype(dataset.dtype) is not h5py.Reference:
        raise ValueError(f"{dataset.name} must be [n, 1] object references, and is {dataset.dtype} {dataset.shape}")
    return dataset[:, 0]


def _read_text(dataset: h5d.DatasetID) -> str:
    """Returns a text as MATLAB stores it: UTF-16, a character an element."""
    characters = np.empty(dataset.shape, "<u2")
    dataset.read(h5s.ALL, h5s.ALL, characters)
    return characters.tobytes().decode("utf-16-le")


def _read_field(file: h5py.File, dataset: h5d.DatasetID) -> np.ndarray:
    """Returns float64 [k], one number for each digit."""
    if dataset.get_type().get_class() != h5t.REFERENCE:
        return _read_numbers(dataset)
    references = np.empty(dataset.shape, h5py.ref_dtype)
    dataset.read(h5s.ALL, h5s.ALL, references)
    return np.concatenate([_read_numbers(h5r.dereference(each, file.id)) for each in references.ravel()])


def _read_numbers(dataset: h5d.DatasetID) -> np.ndarray:
    numbers = np.empty(dataset.shape)
    dataset.read(h5s.ALL, h5s.ALL, numbers)
    return numbers.ravel()


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
