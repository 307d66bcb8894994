"""Times several ways to read the same images, so that whatever disturbs the board disturbs all of them alike."""

import gc
import random
import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

PERCENTILES = (50, 90, 99)
WARM_UPS = 3
IN_A_ROW = 8  # images: short beside what disturbs a board, long beside what the caches take to fill


class Outcome(NamedTuple):
    """What came of an image: the prediction, how many patches were looked at, whether saliency was computed.

    `size` is the (height, width) of the image where that may differ.
    """

    prediction: str
    num_patches: int
    has_saliency: bool
    size: tuple | None = None


@dataclass(frozen=True)
class Times:
    """What one way to read images has done: [repetitions, images] nanoseconds, and by stage microseconds."""

    nanoseconds: np.ndarray
    stages_us: list
    outcomes: list

    def latency_us(self) -> dict:
        """Returns p50, p90, p99, mean and `least` of an inference, microseconds.

        `least` is the median over the images of the least time that each of them took: what it takes undisturbed.
        """
        microseconds = self.nanoseconds / 1e3
        others = {"mean": microseconds.mean(), "least": np.median(microseconds.min(axis=0))}
        return percentiles(microseconds) | {name: round(float(value), 1) for name, value in others.items()}

    def stage_latency_us(self) -> dict:
        """Returns p50, p90 and p99 of every stage over the inferences that had it, microseconds."""
        names = dict.fromkeys(name for stages in self.stages_us for name in stages)
        return {name: percentiles([stages[name] for stages in self.stages_us if name in stages]) for name in names}


def percentiles(values) -> dict:
    """Returns {'p50': ..., 'p90': ..., 'p99': ...}, to a tenth."""
    return {f"p{q}": round(float(value), 1) for q, value in zip(PERCENTILES, np.percentile(values, PERCENTILES))}


def ratios(times: Times, to: Times) -> dict:
    """Returns how many times as long one takes as another, at the same images in the same repetitions.

    `median_of_ratios` and `ratio_of_medians` tell what was. `ratio_of_least`, the median over the images of the ratio
    of least times, tells what would be if nothing disturbed: of two variants the longer one is interrupted more often.
    """
    return {
        "median_of_ratios": round(float(np.median(times.nanoseconds / to.nanoseconds)), 4),
        "ratio_of_medians": round(float(np.median(times.nanoseconds) / np.median(to.nanoseconds)), 4),
        "ratio_of_least": round(float(np.median(times.nanoseconds.min(axis=0) / to.nanoseconds.min(axis=0))), 4),
    }


def size_of(image) -> tuple | None:
    """Returns the (height, width) of an image."""
    return np.shape(image)[:2] or None


def race(
    runs: dict, load, paths, repetitions: int, seed: int = 0, between=lambda: None, size=size_of
) -> dict[str, Times]:
    """Returns the `Times` of every way by name, measured a few images at a time, each time in another order.

    A device reads one image after the other in one way, and has that way's code and weights in its caches; so each way
    reads `IN_A_ROW` images before the next has its turn, and once untimed before them.

    Args:
        runs: name -> function, image -> `edge.network.result.Result`.
        load: path -> image.
        repetitions: how often every image is read by each.
        between: called between turns, outside of what is timed.
        size: image, as `load` returns it -> the (height, width) at which it is read, or None.
    """
    rng, names = random.Random(seed), list(runs)
    first = load(paths[0])
    for _ in range(WARM_UPS):
        for run in runs.values():
            run(first)
    nanoseconds = {name: np.zeros((repetitions, len(paths)), np.int64) for name in names}
    stages_us, outcomes = {name: [] for name in names}, {name: [] for name in names}
    collecting = gc.isenabled()
    gc.disable()  # it would stop now one, now another
    try:
        for repetition in range(repetitions):
            for start in range(0, len(paths), IN_A_ROW):
                gc.collect()  # else what refers to itself would pile up over thousands of images
                between()
                images = [load(path) for path in paths[start : start + IN_A_ROW]]
                for name in rng.sample(names, len(names)):
                    runs[name](images[-1])
                    for index, image in enumerate(images, start):
                        begun = time.perf_counter_ns()
                        result = runs[name](image)
                        nanoseconds[name][repetition, index] = time.perf_counter_ns() - begun
                        stages_us[name].append(result.stages_us)
                        if not repetition:
                            found = result.prediction, result.num_patches, result.saliency is not None
                            outcomes[name].append(Outcome(*found, size(image)))
    finally:
        if collecting:
            gc.enable()
    return {name: Times(nanoseconds[name], stages_us[name], outcomes[name]) for name in names}
