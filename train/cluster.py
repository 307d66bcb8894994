"""The processes that train together, as the environment variable TF_CONFIG names them."""

import json
import os
from dataclasses import dataclass

from train.errors import UserError

VARIABLE = "TF_CONFIG"
EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'
JOBS = ("chief", "worker")
MOST_WORKERS = 1024


@dataclass(frozen=True)
class Cluster:
    """Where this process stands among those that train together.

    Attributes:
        index: its number; the first one, 0, is the chief, which writes the workdir.
        workers: number of all processes.
    """

    index: int = 0
    workers: int = 1


def cluster_of(distribute: str) -> Cluster:
    """Returns the cluster that TF_CONFIG describes; a single process without `--distribute=multiworker`.

    Raises:
        UserError: TF_CONFIG is missing, or describes no cluster that this process is in.
    """
    if distribute != "multiworker":
        return Cluster()
    text = os.environ.get(VARIABLE)
    if not text:
        raise UserError(f"--distribute=multiworker needs {VARIABLE} in the environment, such as {EXAMPLE}")
    try:
        described = json.loads(text)
        jobs, task = described["cluster"], described["task"]
        sizes = [len(jobs.get(job, ())) for job in JOBS]
        place, number = JOBS.index(task["type"]), task["index"]
        good = all(isinstance(place, str) and ":" in place for job in JOBS for place in jobs.get(job, ()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _wrong(text) from None
    if not good or set(jobs) - set(JOBS) or type(number) is not int or not 0 <= number < sizes[place]:
        raise _wrong(text)
    if sizes[0] > 1 or sum(sizes) > MOST_WORKERS:
        raise _wrong(text)
    return Cluster(sum(sizes[:place]) + number, sum(sizes))


def _wrong(text: str) -> UserError:
    return UserError(
        f"{VARIABLE} must name every worker as host:port, one chief at most, and which of them this process is, such "
        f"as {EXAMPLE}. Received: {text[:200]}"
    )
