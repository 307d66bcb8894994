"""How long a digitStruct.mat takes to read: python -m train.data.svhn_format1.benchmark [--entries=N] [--file=PATH].

It writes a file of the genuine ones' layout, `extra`'s size unless told otherwise (1.6 GB; some minutes), reads it, and
compares what was read with what was written. Without --file the written file is removed again.
"""

import functools
import resource
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from absl import flags
from h5py import h5a, h5d, h5g, h5o, h5p, h5s, h5t

from train import command
from train.data.svhn_format1.digit_struct import FIELDS, DigitStruct, read_digit_struct
from train.errors import TrainingError, UserError
from train.progress import Progress, start_logging

SHARES = (0.042, 0.344, 0.525, 0.088, 0.001)  # of numbers of one to five digits, about as in `extra`
USER_BLOCK = 512


def random_annotation(entries: int) -> DigitStruct:
    """Returns annotations of `entries` photographs at random, one to five digits each."""
    rng = np.random.default_rng(0)
    counts = rng.choice(np.arange(1, 6), entries, p=SHARES)
    boxes = rng.integers(0, 150, (counts.sum(), 4)).astype(np.float32)
    boxes[:, 2:] += boxes[:, :2] + 1
    digits = rng.integers(0, 10, counts.sum()).astype(np.uint8)
    return DigitStruct([f"{i + 1}.png" for i in range(entries)], counts, digits, boxes)


def write_digit_struct(path: Path, annotation: DigitStruct):
    """Writes a digitStruct.mat as MATLAB wrote SVHN's: old-style groups, and small data sets within their headers."""
    with h5py.File(path, "w", libver=("earliest", "v108"), userblock_size=USER_BLOCK) as file:
        _enlarge_cache(file)
        writer = _Writer(file)
        progress = Progress(f"writing {path.name}", len(annotation), "entries")
        names, boxes = [], []
        for name, digits, corners in annotation:
            names.append(writer.text(name))
            left, top, right, bottom = corners.astype(np.float64).T
            label = np.where(digits == 0, 10, digits)
            boxes.append(writer.group(dict(zip(FIELDS, (bottom - top, label, left, top, right - left)))))
            progress.advance(1)
        writer.references(h5g.create(file.id, b"digitStruct"), b"bbox", boxes, h5d.CONTIGUOUS)
        writer.references(file["digitStruct"].id, b"name", names, h5d.CONTIGUOUS)
        file["digitStruct"].attrs["MATLAB_class"] = np.bytes_("struct")
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64 HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM")


def _enlarge_cache(file: h5py.File):
    """Gives HDF5 room for the names in #refs#, which it holds in one piece and would write and read again for each."""
    config = file.id.get_mdc_config()
    config.max_size = config.initial_size = 128 << 20  # the most it takes
    config.set_initial_size = True
    file.id.set_mdc_config(config)


class _Writer:
    """Writes single objects, through h5py's low-level interface, which is several times as fast as the other."""

    def __init__(self, file: h5py.File):
        self.refs = h5g.create(file.id, b"#refs#")
        self.count = 0
        self.scalar = h5s.create_simple((1, 1))
        self.compact = h5p.create(h5p.DATASET_CREATE)
        self.compact.set_layout(h5d.COMPACT)
        field = h5py.vlen_dtype(np.dtype("S1"))
        self.fields = np.array([np.array([c.encode() for c in name], "S1") for name in FIELDS] + [None], field)[:-1]

    def name(self) -> bytes:
        self.count += 1
        return np.base_repr(self.count, 36).encode()

    def text(self, text: str) -> int:
        name = self.name()
        values = np.frombuffer(text.encode("utf-16-le"), np.uint16)[:, None].copy()
        data = h5d.create(self.refs, name, h5t.NATIVE_UINT16, h5s.create_simple(values.shape), self.compact)
        data.write(h5s.ALL, h5s.ALL, values)
        _attribute(data, b"MATLAB_class", np.array(b"char"))
        _attribute(data, b"MATLAB_int_decode", np.array(2, np.int32))
        _attribute(data, b"H5PATH", np.array(b"/#refs#/" + name))
        return _address(data)

    def group(self, columns: dict[str, np.ndarray]) -> int:
        name = self.name()
        group = h5g.create(self.refs, name)
        for field, values in columns.items():
            if len(values) == 1:
                self.number(group, field.encode(), values[0], name)
            else:
                addresses = [self.number(self.refs, self.name(), value, name) for value in values]
                self.references(group, field.encode(), addresses, h5d.COMPACT)
        _attribute(group, b"H5PATH", np.array(b"/#refs#/" + name))
        _attribute(group, b"MATLAB_class", np.array(b"struct"))
        attribute = h5a.create(group, b"MATLAB_fields", h5t.py_create(self.fields.dtype), h5s.create_simple((5,)))
        attribute.write(self.fields)
        return _address(group)

    def number(self, group, name: bytes, value: float, owner: bytes) -> int:
        data = h5d.create(group, name, h5t.IEEE_F64LE, self.scalar, self.compact)
        data.write(h5s.ALL, h5s.ALL, np.array([[value]], np.float64))
        _attribute(data, b"MATLAB_class", np.array(b"double"))
        _attribute(data, b"H5PATH", np.array(b"/#refs#/" + owner))
        return _address(data)

    @staticmethod
    def references(group, name: bytes, addresses, layout: int):
        properties = h5p.create(h5p.DATASET_CREATE)
        properties.set_layout(layout)
        values = np.array(addresses, np.int64)[:, None]
        data = h5d.create(group, name, h5t.STD_REF_OBJ, h5s.create_simple(values.shape), properties)
        data.write(h5s.ALL, h5s.ALL, values, h5t.STD_REF_OBJ)


def _attribute(owner, name: bytes, value: np.ndarray):
    h5a.create(owner, name, _stored_type(value.dtype), _scalar_space()).write(value)


@functools.cache
def _stored_type(dtype):
    return h5t.py_create(dtype)


@functools.cache
def _scalar_space():
    return h5s.create(h5s.SCALAR)


def _address(owner) -> int:
    return h5o.get_info(owner).addr


def main():
    """Writes, reads, compares, prints."""
    start_logging()
    entries, kept = flags.FLAGS.entries, flags.FLAGS.file
    if entries < 1:
        raise UserError(f"--entries must be at least 1. Received: {entries}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(kept) if kept else Path(folder) / "digitStruct.mat"
        written = random_annotation(entries)
        if not path.exists():
            write_digit_struct(path, written)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun, begun_cpu = time.perf_counter(), time.process_time()
        read = read_digit_struct(path)
        seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - begun_cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = path.stat().st_size
    same = read.names == written.names and all(
        np.array_equal(getattr(read, part), getattr(written, part)) for part in ("counts", "digits", "boxes")
    )
    if not same:
        raise TrainingError(f"{path}: what was read is not what was written")
    print(
        f"{len(read)} entries, {len(read.digits)} digits, {size / 1e6:.0f} MB: {seconds:.1f} s, {cpu_seconds:.1f} s of "
        f"processor; peak memory {peak / 1024:.0f} MiB, the mapped file among it ({before / 1024:.0f} MiB before)"
    )


if __name__ == "__main__":
    flags.DEFINE_integer("entries", 200000, "Number of photographs.")
    flags.DEFINE_string("file", None, "Where to keep the file; one that is there already is read as it is.")
    command.run("train.data.svhn_format1.benchmark", main)
