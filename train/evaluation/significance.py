"""Intervals of errors by bootstrap over what images were made of, and comparisons on the same images."""

import math

import numpy as np

RESAMPLES = 2000
LEVEL = 95  # percent of the resamples that an interval holds
BLOCK = 100  # resamples that are drawn at once


def intervals(wrong: dict[str, np.ndarray], sources=None) -> dict[str, list[float]]:
    """Returns the interval of each row's error in percent, [low, high]: row -> bool [n] -> row -> interval.

    All rows are judged by the same resamples.

    Args:
        wrong: row -> which images are read wrong.
        sources: see `bootstrap`.
    """
    means = bootstrap(np.stack(list(wrong.values()), axis=1), sources)
    return {row: interval(means[:, i]) for i, row in enumerate(wrong)}


def interval(means: np.ndarray) -> list[float]:
    """Returns what holds `LEVEL` percent of the resampled means, in percent: [low, high]."""
    tail = (100 - LEVEL) / 2
    return [round(100.0 * float(end), 4) for end in np.percentile(means, (tail, 100 - tail))]


def bootstrap(values: np.ndarray, sources=None, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Returns the means of resampled values: [n, rows] -> [resamples, rows].

    What is drawn, with replacement, are sources, each with all its images: five images of one digit are not five
    independent trials.

    Args:
        values: of every image.
        sources: int [n], what each image was made of; None where every image is a source of its own.
        resamples: their number.
        seed: of the draws.
    """
    values = np.asarray(values, np.float64)
    sums, counts = values, np.ones(len(values))
    if sources is not None:
        _, index = np.unique(sources, return_inverse=True)
        counts = np.bincount(index).astype(np.float64)
        sums = np.stack([np.bincount(index, column) for column in values.T], axis=1)
    rng, size, means = np.random.default_rng(seed), len(sums), []
    for start in range(0, resamples, BLOCK):
        drawn = rng.integers(size, size=(min(BLOCK, resamples - start), size))
        times = np.stack([np.bincount(row, minlength=size) for row in drawn]).astype(np.float64)
        means.append((times @ sums) / (times @ counts)[:, None])
    return np.concatenate(means)


def paired(ours: np.ndarray, theirs: np.ndarray, sources=None) -> dict:
    """Returns how two readings of the same images compare.

    `difference` of the errors, ours less theirs, in points, with its `interval` by bootstrap over sources;
    `ours_alone` and `theirs_alone`, the images that one of them alone reads wrong, and `p` of McNemar's exact test.
    The test takes images for independent; where several are of one source the interval is the one to go by.

    Args:
        ours, theirs: bool [n], which images are read wrong.
        sources: see `bootstrap`.
    """
    ours, theirs = (np.asarray(wrong, bool) for wrong in (ours, theirs))
    difference = ours.astype(np.float64) - theirs
    alone = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return {
        "difference": round(100.0 * float(difference.mean()), 4),
        "interval": interval(bootstrap(difference[:, None], sources)[:, 0]),
        "ours_alone": alone[0],
        "theirs_alone": alone[1],
        "p": mcnemar(*alone),
    }


def mcnemar(ours_alone: int, theirs_alone: int) -> float:
    """Returns the p of McNemar's exact test, two-sided: how likely so uneven a split is, were both equally good."""
    count, fewer = ours_alone + theirs_alone, min(ours_alone, theirs_alone)
    logs = [_log_choose(count, i) - count * math.log(2) for i in range(fewer + 1)]
    return min(1.0, 2 * math.fsum(map(math.exp, logs)))


def _log_choose(count: int, some: int) -> float:
    return math.lgamma(count + 1) - math.lgamma(some + 1) - math.lgamma(count - some + 1)
