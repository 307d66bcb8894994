"""RAPL: the energy counters of Intel's and AMD's processors, which Linux shows under /sys/class/powercap.

The packages are summed. Their cores and graphics lie within them and are not counted again; memory ('dram') has a
counter of its own beside the package's, and is added. 'psys', the whole platform, contains them all and is left out.
"""

from dataclasses import dataclass
from pathlib import Path

from edge.energy.plausible import FROZEN_SECONDS
from edge.energy.reading import Reading
from edge.energy.timer import Timer
from edge.errors import UserError, one_line

POWERCAP = "/sys/class/powercap"
MOST_WATTS = 1000  # of one counter: no processor draws more, so that no wrap is missed
PERIOD = 1.0  # seconds


@dataclass(frozen=True)
class Counter:
    """A counter of microjoules that begins again at 0; the kernel calls it `name`, such as 'package-0'."""

    path: Path
    name: str
    range_uj: int

    def read(self) -> int:
        """Returns the microjoules; OSError or ValueError where there are none."""
        value = int((self.path / "energy_uj").read_text())
        if not 0 <= value <= self.range_uj:
            raise ValueError(f"{self.name} counts {value}, and to {self.range_uj} at most")
        return value

    def between(self, before: int, after: int) -> int:
        """Returns the microjoules from one value to a later one, at most one wrap apart."""
        return after - before + (self.range_uj + 1 if after < before else 0)

    @property
    def safe_seconds(self) -> float:
        """The time in which it wraps at most once."""
        return self.range_uj / 1e6 / MOST_WATTS


def find_counters(root=POWERCAP) -> list[Counter]:
    """Returns the counters to sum; UserError where there are none, or they cannot be read."""
    counters = [counter for counter in map(_counter, sorted(Path(root).glob("intel-rapl:*"))) if _is_summed(counter)]
    if not any(counter.name.startswith("package") for counter in counters):
        raise UserError(f"there is no RAPL here: no package in {root}/intel-rapl:*; use another meter")
    for counter in counters:
        _try(counter, root)
    return counters


def _is_summed(counter: Counter) -> bool:
    depth = counter.path.name.count(":")  # intel-rapl:0 is a package, intel-rapl:0:1 a part of it
    return counter.name.startswith("package") if depth == 1 else counter.name == "dram"


def _counter(path: Path) -> Counter:
    try:
        name = (path / "name").read_text().strip()
        range_uj = int((path / "max_energy_range_uj").read_text())
        if range_uj <= 0:
            raise ValueError(f"max_energy_range_uj is {range_uj}")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no RAPL counter: {one_line(error)}; use another meter") from None
    return Counter(path, name, range_uj)


def _try(counter, root):
    try:
        counter.read()
    except PermissionError:
        raise UserError(
            f"RAPL's counter {counter.path}/energy_uj may not be read by this user; "
            f"run as root, or: sudo chmod a+r {root}/intel-rapl:*/energy_uj"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"RAPL's counter {counter.path} cannot be read: {one_line(error)}; use another meter") from None


class RaplMeter:
    """Sums RAPL's counters, read often enough that no wrap is missed; for UserError see `find_counters`."""

    def __init__(self, root=POWERCAP, timer=None):
        self._counters = find_counters(root)
        self._timer = timer or Timer()
        self._safe_seconds = min(counter.safe_seconds for counter in self._counters)
        self.source = f"rapl ({' + '.join(counter.name for counter in self._counters)})"

    def start(self) -> None:
        """Begins a reading."""
        self._last = None  # (time, values)
        self._microjoules, self._samples, self._ignored, self._why_not, self._still = 0, 0, 0, None, 0.0
        self._begun = self._timer.monotonic()
        self._stop = self._timer.every(min(PERIOD, self._safe_seconds / 4), self._sample)
        if not self._samples:
            self._why_not = "RAPL could not be read at the beginning of the run"

    def stop(self) -> Reading:
        """Ends the reading."""
        ended = self._timer.monotonic()
        self._stop()
        return Reading(
            self._microjoules / 1e6,
            ended - self._begun,
            self._samples,
            self._ignored,
            self._why_not or self._check(ended),
        )

    def _sample(self):
        now = self._timer.monotonic()
        try:
            values = [counter.read() for counter in self._counters]
        except (OSError, ValueError):
            self._ignored += 1
            return
        self._samples += 1
        if self._last:
            self._add(now - self._last[0], self._last[1], values)
        self._last = now, values

    def _add(self, seconds, before, after):
        if seconds > self._safe_seconds:
            self._why_not = f"RAPL was not read for {seconds:.2f} s, in which a counter may have wrapped twice"
        gained = sum(map(Counter.between, self._counters, before, after))
        self._microjoules += gained
        self._still = 0.0 if gained else self._still + seconds
        if self._still >= FROZEN_SECONDS:
            self._why_not = f"RAPL's counters stand still, for {self._still:.1f} s; use another meter"

    def _check(self, ended):
        if self._last is None or self._last[0] < ended:
            return "RAPL could not be read at the end of the run"
        if not self._microjoules:
            return "RAPL's counters stand still"
        most = MOST_WATTS * len(self._counters)
        if self._microjoules > most * 1e6 * (ended - self._begun):
            return f"impossible power, more than {most:,} W: a counter was reset; run it again"
        return None
