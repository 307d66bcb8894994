"""Samples of power that an external meter writes to a CSV file while the runs go on.

The first line names the columns: `time` (seconds since 1970, or ISO 8601) or `time_ms` (milliseconds since 1970), and
`watts`, or `volts` and `amperes`; other columns are skipped. An ISO time without an offset is this machine's local
time.

    time,volts,amperes
    2026-03-01T12:00:00.0+01:00,5.11,0.62

The times must be of the clock that this machine has: the program that logs runs here, or both machines keep their
clocks by NTP. A clock that is off by one second in ten spoils a tenth of the energy of a trial.
"""

import csv
import datetime
import math
import re
from pathlib import Path
from typing import NamedTuple

from edge.energy.plausible import Plausible
from edge.energy.reading import Reading, integrate, same_value
from edge.energy.timer import Timer
from edge.errors import UserError, one_line
from edge.files import read_bytes, text_of

MOST_BYTES = 2**25  # of the file: a day and a night of ten samples a second
LONGEST_GAP = 1.0  # seconds
PATIENCE = 10.0  # seconds that the file may lag behind
LOOK_AGAIN = 0.5  # seconds
PLAUSIBLE = Plausible(1000, "swap the meter's leads")
CLOCK_TOLERANCE = 0.05  # seconds that the clock may be set by in a run
TIMES = (1e9, 1e11)  # seconds since 1970, from 2001 on; others are of another unit, or begin at another moment
EPOCH = {"time": 1.0, "time_ms": 1e-3}
POWER = (("watts",), ("volts", "amperes"))
HEADER = "time or time_ms, and watts or volts,amperes"
ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)([.,]\d+)?(Z|[+-]\d\d(?::?\d\d)?)?")


class Samples(NamedTuple):
    """Times in seconds since 1970, ascending; watts; and the number of lines that were ignored."""

    times: list[float]
    watts: list[float]
    ignored: int


def seconds(text: str, scale: float = 1.0, shift: float = 0.0) -> float:
    """Returns seconds since 1970 of a number of `scale` seconds, or of an ISO 8601 time; ValueError for others.

    shift: seconds that are added.
    """
    match = ISO.fullmatch(text.strip())
    if not match:
        value = float(text) * scale
    else:
        date, fraction, offset = match.groups()
        if offset is None:
            value = datetime.datetime.fromisoformat(date).timestamp()
        else:
            sign = offset.replace("Z", "+0000").replace(":", "").ljust(5, "0")
            value = datetime.datetime.strptime(date.replace(" ", "T") + sign, "%Y-%m-%dT%H:%M:%S%z").timestamp()
        value += float("0." + fraction[1:]) if fraction else 0.0
    value += shift
    if not TIMES[0] <= value < TIMES[1]:
        raise ValueError(f"{text} is not a time since 1970")
    return value


def read_samples(path, shift: float = 0.0) -> Samples:
    """Returns the samples of a file; `shift` seconds are added to its times.

    A line is ignored where a value is no number, or the time is not after the one before it. A last line without an
    end is still being written, and is left for later.

    Raises:
        UserError: the file cannot be read, or its first line names no time or no power.
    """
    lines = _complete_lines(path)
    header = [name.strip().lower() for name in next(csv.reader(lines[:1]), [])]
    time_column = next((name for name in EPOCH if name in header), None)
    power_columns = next((names for names in POWER if set(names) <= set(header)), None)
    if time_column is None or power_columns is None:
        raise UserError(f"the first line of {path} must name {HEADER}, received {one_line(ValueError(lines[:1]), 80)}")
    at, power = header.index(time_column), [header.index(name) for name in power_columns]
    times, watts, ignored = [], [], 0
    for line in filter(str.strip, lines[1:]):
        try:
            (row,) = csv.reader([line])  # one by one: a stray quote must not swallow the lines behind it
            time = seconds(row[at], EPOCH[time_column], shift)
            value = math.prod(_number(row[column]) for column in power)
            if times and time <= times[-1]:
                raise ValueError(f"{row[at]} is not after the time before it")
        except (ValueError, IndexError, OverflowError, csv.Error):
            ignored += 1
            continue
        times.append(time)
        watts.append(value)
    return Samples(times, watts, ignored)


def read_between(samples: Samples, begun: float, ended: float, elapsed: float, why_not: str | None = None) -> Reading:
    """Returns the reading between two times.

    Args:
        begun, ended: seconds since 1970.
        elapsed: seconds between them on a clock that is never set.
        why_not: why it must not be used, where that is known before.
    """
    joules, missing = integrate(samples.times, samples.watts, begun, ended, LONGEST_GAP)
    inside = [(time, value) for time, value in zip(samples.times, samples.watts) if begun <= time <= ended]
    times, watts = zip(*inside) if inside else ((), ())
    why_not = why_not or missing or PLAUSIBLE.why_not(times, watts)
    return Reading(joules, elapsed, len(inside), samples.ignored, why_not, same_value(watts))


def _complete_lines(path) -> list[str]:
    try:
        text = text_of(read_bytes(path, MOST_BYTES), errors="replace").replace("\0", "?")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}; name the file that the meter writes") from None
    return text[: text.rfind("\n") + 1].splitlines()


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not finite")
    return value


class CsvMeter:
    """Integrates the samples in a file whose times lie in the run.

    Args:
        path: of the file, which may grow.

    Raises:
        UserError: see `read_samples`; or there are lines, and none is good.
    """

    def __init__(self, path, timer=None):
        self._path = path
        self._timer = timer or Timer()
        times, _, ignored = read_samples(path)
        if ignored and not times:
            raise UserError(
                f"no line of {path} holds {HEADER} in numbers, received {ignored} others; write times since 1970, in "
                "seconds or ISO 8601 under time, or in milliseconds under time_ms"
            )
        self.source = f"csv ({Path(path).name})"

    def start(self) -> None:
        """Begins a reading."""
        self._begun = self._timer.monotonic(), self._timer.wall()

    def stop(self) -> Reading:
        """Ends the reading, when the file has come as far or some seconds have passed."""
        ended = self._timer.monotonic(), self._timer.wall()
        elapsed, by_clock = (after - before for after, before in zip(ended, self._begun))
        try:
            samples = self._wait_for(ended[1])
        except UserError as error:  # it was there at the beginning
            return Reading(None, elapsed, 0, why_not=str(error))
        why_not = None
        if abs(elapsed - by_clock) > CLOCK_TOLERANCE:
            why_not = f"this machine's clock was set by {by_clock - elapsed:+.2f} s in the run"
        return read_between(samples, self._begun[1], ended[1], elapsed, why_not)

    def _wait_for(self, moment):
        """Returns the file's samples as soon as there is one at or after the moment, or patience is at its end."""
        until = self._timer.monotonic() + PATIENCE
        while True:
            samples = read_samples(self._path)
            if (samples.times and samples.times[-1] >= moment) or self._timer.monotonic() >= until:
                return samples
            self._timer.sleep(LOOK_AGAIN)
