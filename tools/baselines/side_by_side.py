"""Several readers of the same images in turn: their errors and times, and the times pair by pair.

The readers take turns of a few images, in an order that is shuffled each time, so that whatever disturbs the machine
disturbs all of them alike. Each reads an image untimed before its turn, because a reader that works on one image after
the other finds its weights in the caches; and untimed the first image of each size, because a camera's frames have one.
"""

import gc
import math
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

IN_A_ROW = 8  # images of a turn
MOST_ELSEWHERE = 0.05  # share of the processor's time outside of the calling thread at which one thread is one thread


@dataclass(frozen=True)
class Reader:
    """One way to read images.

    Attributes:
        load: path -> image, which has a `size`; not timed.
        read: image -> what is read in it; timed.
    """

    load: Callable
    read: Callable


class Reading(NamedTuple):
    """What was read in one image, and in how many milliseconds.

    Attributes:
        prediction: as text, '' for nothing.
        cpu: of processors' time, all threads of the process together.
        own_cpu: the same of the calling thread alone.
    """

    prediction: str
    milliseconds: float
    cpu: float
    own_cpu: float


def read_in_turn(readers: dict, paths, seed: int = 0, between=lambda done: None) -> dict[str, list[Reading]]:
    """Returns the readings of every reader, in the order of the paths.

    Args:
        between: called between turns with the number of images that all have read.
    """
    rng, names = random.Random(seed), list(readers)
    readings, sizes = {name: [] for name in names}, {name: set() for name in names}
    collecting = gc.isenabled()
    gc.disable()  # it would stop now one, now another
    try:
        for start in range(0, len(paths), IN_A_ROW):
            for name in rng.sample(names, len(names)):
                reader = readers[name]
                images = [reader.load(path) for path in paths[start : start + IN_A_ROW]]
                for image in _untimed(images, sizes[name]):
                    reader.read(image)
                readings[name] += [_timed(reader.read, image) for image in images]
            gc.collect()
            between(min(start + IN_A_ROW, len(paths)))
    finally:
        if collecting:
            gc.enable()
    return readings


def _untimed(images, seen: set) -> list:
    """Returns the images to read before a turn: one of every size that is new, which is noted, else the first."""
    new = {image.size: image for image in reversed(images) if image.size not in seen}
    seen.update(new)
    return list(new.values()) or images[:1]


def _timed(read, image) -> Reading:
    begun = time.perf_counter_ns(), time.process_time_ns(), time.thread_time_ns()
    prediction = read(image)
    ended = time.perf_counter_ns(), time.process_time_ns(), time.thread_time_ns()
    return Reading(prediction, *((after - before) / 1e6 for before, after in zip(begun, ended)))


def error(wrong) -> dict | None:
    """Returns `percent`, its `standard_error`, `wrong` and `images`; None without an image.

    Args:
        wrong: whether each labelled image is read wrong.
    """
    if not wrong:
        return None
    share = statistics.fmean(wrong)
    spread = math.sqrt(share * (1 - share) / len(wrong))  # of a mean of ones and zeros
    return {
        "percent": round(100 * share, 2),
        "standard_error": round(100 * spread, 2),
        "wrong": sum(wrong),
        "images": len(wrong),
    }


def difference(wrong, others_wrong) -> dict | None:
    """Returns how many points more are wrong than others' of the same images, with the pairs' standard error."""
    if not wrong:
        return None
    pairs = [one - other for one, other in zip(wrong, others_wrong)]
    spread = statistics.pstdev(pairs) / math.sqrt(len(pairs))
    return {"points": round(100 * statistics.fmean(pairs), 2), "standard_error": round(100 * spread, 2)}


def by_length(wrong, labels) -> dict[str, dict]:
    """Returns the `error` of the labels of each length."""
    lengths = [len(label) for label in labels]
    return {
        str(length): error([is_wrong for is_wrong, own in zip(wrong, lengths) if own == length])
        for length in sorted(set(lengths))
    }


def times(readings) -> dict:
    """Returns medians and 90th percentiles of the milliseconds, by the clock and of the processors' time.

    `elsewhere` is the share of the processors' time that other threads than the calling one took.
    """
    whole, own = sum(reading.cpu for reading in readings), sum(reading.own_cpu for reading in readings)
    return {
        "milliseconds": _quantiles([reading.milliseconds for reading in readings]),
        "cpu_milliseconds": _quantiles([reading.cpu for reading in readings]),
        "elsewhere": round(max(0.0, 1 - own / whole), 3) if whole else 0.0,
    }


def _quantiles(values) -> dict:
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 3),
        "p90": round(ordered[math.ceil(0.9 * len(ordered)) - 1], 3),
    }


def ratio(readings, to) -> dict:
    """Returns the median over the images of how many times as long they took as in other readings of them."""
    pairs = list(zip(readings, to))
    return {
        "milliseconds": _median_ratio([(one.milliseconds, other.milliseconds) for one, other in pairs]),
        "cpu_milliseconds": _median_ratio([(one.cpu, other.cpu) for one, other in pairs]),
    }


def _median_ratio(pairs) -> float | None:
    ratios = [one / other for one, other in pairs if other]
    return round(statistics.median(ratios), 5) if ratios else None
