"""How fast house numbers are rendered: crops of 64 x 128, in as many processes as a training would use.

python -m train.data.rendering.benchmark
python -m train.data.rendering.benchmark --crops=4000 --workers=1 --looseness=2.5

The start, in which a worker is begun, imports what it needs and draws each digit of each type face once, is timed
apart. Crops/s in all is by the clock, and drops where other programs run; crops per second of CPU time, the workers'
own together, depends less on them.
"""

import time
from functools import partial

import joblib
import numpy as np
from absl import flags

from train import command
from train.data.rendering.scenes import render_crop
from train.data.rendering.typefaces import glyph, type_faces

SIZE = (64, 128)
CHUNK = 100  # crops that a worker makes in one go


def start_workers(parallel, workers: int) -> float:
    """Returns the seconds in which the workers of a `joblib.Parallel` are begun and have drawn every digit once."""
    begun = time.perf_counter()
    parallel(joblib.delayed(_warm_up)() for _ in range(workers))
    return time.perf_counter() - begun


def measure(parallel, workers: int, crops: int, looseness: float) -> dict[str, float]:
    """Returns `crops_per_second`, `per_worker` and `per_cpu_second` of workers, for at least `crops` crops."""
    chunks = range(-(-crops // CHUNK))
    begun = time.perf_counter()
    cpu = sum(parallel(map(joblib.delayed(partial(_render, looseness)), chunks)))
    seconds = time.perf_counter() - begun
    count = CHUNK * len(chunks)
    return {
        "crops_per_second": count / seconds,
        "per_worker": count / seconds / workers,
        "per_cpu_second": count / cpu,
    }


def _warm_up():
    for family in type_faces("train"):
        for style in family:
            for face in style:
                for digit in "0123456789":
                    glyph(face, digit)


def _render(looseness: float, chunk: int) -> float:
    """Renders a chunk and returns the seconds of CPU time that it took."""
    begun = time.process_time()
    for i in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        render_crop(np.random.default_rng([0, i]), SIZE, looseness=looseness)
    return time.process_time() - begun


def define_flags():
    """Defines the flags of this command."""
    flags.DEFINE_integer("crops", 4000, "How many are rendered, in hundreds.", lower_bound=1)
    flags.DEFINE_integer("workers", None, "Processes; one a core, unless said otherwise.", lower_bound=1)
    flags.DEFINE_float("looseness", None, "As of training; 1 and 2.5, unless said otherwise.", lower_bound=1)


def main():
    """Prints how long the start takes, and a line for each looseness."""
    values = flags.FLAGS
    workers = values.workers or joblib.cpu_count()
    with joblib.Parallel(workers) as parallel:
        print(f"{workers} workers, ready after {start_workers(parallel, workers):.1f} s")
        print(f"{'looseness':>9} {'crops/s':>8} {'a worker':>9} {'a CPU second':>13}")
        for looseness in [values.looseness] if values.looseness else [1.0, 2.5]:
            total, worker, cpu = measure(parallel, workers, values.crops, looseness).values()
            print(f"{looseness:>9} {total:>8.0f} {worker:>9.0f} {cpu:>13.0f}")


if __name__ == "__main__":
    define_flags()
    command.run("train.data.rendering.benchmark", main)
