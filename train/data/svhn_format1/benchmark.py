"""How long a digitStruct.mat takes to read: python -m train.data.svhn_format1.benchmark [--entries=N] [--file=PATH].

It writes a file of the genuine ones' layout, `extra`'s size unless told otherwise (1.5 GB), reads it, and compares what
was read with what was written. Without --file the written file is removed again.
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from absl import flags

from train import command
from train.data.svhn_format1.digit_struct import DigitStruct, read_digit_struct
from train.data.svhn_format1.digit_struct_writer import write_digit_struct
from train.errors import TrainingError, UserError
from train.progress import start_logging

SHARES = (0.042, 0.344, 0.525, 0.088, 0.001)  # of numbers of one to five digits, about as in `extra`


def random_annotation(entries: int) -> DigitStruct:
    """Returns annotations of `entries` photographs at random, one to five digits each."""
    rng = np.random.default_rng(0)
    counts = rng.choice(np.arange(1, 6), entries, p=SHARES)
    boxes = rng.integers(0, 150, (counts.sum(), 4)).astype(np.float32)
    boxes[:, 2:] += boxes[:, :2] + 1
    digits = rng.integers(0, 10, counts.sum()).astype(np.uint8)
    return DigitStruct([f"{i + 1}.png" for i in range(entries)], counts, digits, boxes)


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
            _, took = _timed(write_digit_struct, path, written)
            print(f"written in {took}")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        read, took = _timed(read_digit_struct, path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = path.stat().st_size
    same = read.names == written.names and all(
        np.array_equal(getattr(read, part), getattr(written, part)) for part in ("counts", "digits", "boxes")
    )
    if not same:
        raise TrainingError(f"{path}: what was read is not what was written")
    print(
        f"{len(read)} entries, {len(read.digits)} digits, {size / 1e6:.0f} MB: read in {took}; peak memory "
        f"{peak / 1024:.0f} MiB, the mapped file among it ({before / 1024:.0f} MiB before)"
    )


def _timed(function, *arguments):
    """Returns what the function returns, and how long it took, in words."""
    begun, begun_cpu = time.perf_counter(), time.process_time()
    result = function(*arguments)
    return result, f"{time.perf_counter() - begun:.1f} s, {time.process_time() - begun_cpu:.1f} s of processor"


if __name__ == "__main__":
    flags.DEFINE_integer("entries", 200000, "Number of photographs.")
    flags.DEFINE_string("file", None, "Where to keep the file; one that is there already is read as it is.")
    command.run("train.data.svhn_format1.benchmark", main)
