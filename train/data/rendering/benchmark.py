"""Times the rendering of house numbers: crops of 64 x 128, training scenes of 96 x 192, in a process a core.

python -m train.data.rendering.benchmark
python -m train.data.rendering.benchmark --kind=scenes
python -m train.data.rendering.benchmark --crops=4000 --workers=1 --looseness=2.5

The start, in which a worker is begun, imports what it needs and draws each digit of each type face once, is timed
apart. Pictures/s in all is by the clock, and drops where other programs run; pictures per second of CPU time, the
workers' own together, depends less on them.
"""

import time
from functools import partial

import joblib
import numpy as np
from absl import flags

from train import command
from train.data.rendering.scenes import render_crop
from train.data.rendering.training_scenes import render_scene
from train.data.rendering.typefaces import glyph, type_faces

SIZE = (64, 128)
BALANCED = (0.20, 0.27, 0.25, 0.18, 0.05, 0.02, 0.02, 0.01)  # lengths of numbers in scenes
CHUNK = 100  # pictures that a worker makes in one go


def start_workers(parallel, workers: int) -> float:
    """Returns the seconds in which the workers of a `joblib.Parallel` are begun and have drawn every digit once."""
    begun = time.perf_counter()
    parallel(joblib.delayed(_warm_up)() for _ in range(workers))
    return time.perf_counter() - begun


def measure(parallel, workers: int, pictures: int, render) -> dict[str, float]:
    """Returns `per_second`, `per_worker` and `per_cpu_second` of workers, for at least so many pictures.

    Args:
        parallel: a `joblib.Parallel`.
        pictures: how many are rendered, rounded up to whole chunks.
        render: a function, which can be pickled, of a numpy Generator.
    """
    chunks = range(-(-pictures // CHUNK))
    begun = time.perf_counter()
    cpu = sum(parallel(map(joblib.delayed(partial(_render, render)), chunks)))
    seconds = time.perf_counter() - begun
    count = CHUNK * len(chunks)
    return {"per_second": count / seconds, "per_worker": count / seconds / workers, "per_cpu_second": count / cpu}


def _warm_up():
    for family in type_faces("train"):
        for style in family:
            for face in style:
                for digit in "0123456789":
                    glyph(face, digit)


def _render(render, chunk: int) -> float:
    """Renders a chunk and returns the seconds of CPU time that it took."""
    begun = time.process_time()
    for i in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        render(np.random.default_rng([0, i]))
    return time.process_time() - begun


def define_flags():
    """Defines the flags of this command."""
    flags.DEFINE_enum("kind", "crops", ["crops", "scenes"], "Tight crops, or scenes to cut training windows from.")
    flags.DEFINE_integer("crops", 4000, "How many pictures are rendered, in hundreds.", lower_bound=1)
    flags.DEFINE_integer("workers", None, "Processes; one a core, unless said otherwise.", lower_bound=1)
    flags.DEFINE_float("looseness", None, "Of crops, as in training; 1 and 2.5, unless said otherwise.", lower_bound=1)


def main():
    """Prints how long the start takes, and a line for each looseness."""
    values = flags.FLAGS
    workers = values.workers or joblib.cpu_count()
    if values.kind == "scenes":
        renders = {"-": partial(render_scene, lengths=BALANCED)}
    else:
        loosenesses = [values.looseness] if values.looseness else [1.0, 2.5]
        renders = {str(looseness): partial(render_crop, size=SIZE, looseness=looseness) for looseness in loosenesses}
    with joblib.Parallel(workers) as parallel:
        print(f"{workers} workers, ready after {start_workers(parallel, workers):.1f} s")
        print(f"{'looseness':>9} {values.kind + '/s':>8} {'a worker':>9} {'a CPU second':>13}")
        for name, render in renders.items():
            total, worker, cpu = measure(parallel, workers, values.crops, render).values()
            print(f"{name:>9} {total:>8.0f} {worker:>9.0f} {cpu:>13.0f}")


if __name__ == "__main__":
    define_flags()
    command.run("train.data.rendering.benchmark", main)
