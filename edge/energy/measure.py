"""Measures the energy of one inference as MLPerf Tiny does: the median of five trials of at least ten seconds.

A meter reads all that it is wired to, also what is spent at rest. The power at rest is measured first, and the energy
above it is given beside the total.
"""

import itertools
import statistics
from dataclasses import dataclass

from edge.energy.plausible import FROZEN_SAMPLES, frozen
from edge.energy.reading import Reading
from edge.energy.timer import Timer

TRIALS = 5
SECONDS = 10.0


@dataclass(frozen=True)
class Trial:
    """A reading, and the number of inferences in it."""

    inferences: int
    reading: Reading

    @property
    def energy_uj(self) -> float:
        """Microjoules of one inference."""
        return self.reading.joules * 1e6 / self.inferences


@dataclass(frozen=True)
class Measurement:
    """Energy of one inference; there are no trials where the idle reading is not valid.

    `doubt` tells why readings that are each valid must not be used together.
    """

    source: str
    idle: Reading
    trials: tuple
    doubt: str | None = None

    @property
    def why_not(self) -> str | None:
        """Why it must not be used, in one line, or None."""
        for name, reading in (
            ("at rest", self.idle),
            *((f"trial {n}", t.reading) for n, t in enumerate(self.trials, 1)),
        ):
            if not reading.valid:
                return f"{name}: {reading.why_not}"
        return self._stands_still() or self.doubt

    def _stands_still(self) -> str | None:
        """Returns that the meter told the same power for too long, over the ends of readings; None where it did not."""
        readings = (self.idle, *(trial.reading for trial in self.trials))
        for same, run in itertools.groupby(readings, key=lambda reading: reading.same):
            alike = list(run)
            samples = sum(reading.samples for reading in alike)
            if same is not None and len(alike) > 1 and (len(alike) == len(readings) or samples >= FROZEN_SAMPLES):
                return frozen(same, samples)
        return None

    @property
    def valid(self) -> bool:
        """Whether it may be used: every reading may."""
        return self.why_not is None

    @property
    def energies_uj(self) -> list[float]:
        """Microjoules of one inference in each trial, the energy at rest included."""
        return [trial.energy_uj for trial in self.trials]

    @property
    def net_energies_uj(self) -> list[float]:
        """The same less the energy at rest; noise may bring it below 0."""
        return [(t.reading.joules - self.idle.watts * t.reading.seconds) * 1e6 / t.inferences for t in self.trials]

    def to_dict(self) -> dict:
        """Returns it for JSON; no energies where it must not be used."""
        facts = {
            "source": self.source,
            "valid": self.valid,
            "why_not": self.why_not,
            "trials": len(self.trials),
            "inferences": [trial.inferences for trial in self.trials],
            "seconds": [trial.reading.seconds for trial in self.trials],
            "samples": [trial.reading.samples for trial in self.trials],
            "ignored_samples": sum(reading.ignored for reading in (self.idle, *(t.reading for t in self.trials))),
            "idle_watts": None,
            "energy_uj": None,
            "net_energy_uj": None,
        }
        if self.valid:
            facts |= {
                "idle_watts": self.idle.watts,
                "energy_uj": _spread(self.energies_uj),
                "net_energy_uj": _spread(self.net_energies_uj),
            }
        return facts


def _spread(values) -> dict:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def measure(
    meter, run_once, trials: int = TRIALS, seconds: float = SECONDS, idle_seconds: float = SECONDS, timer=None
) -> Measurement:
    """Measures the energy of one inference.

    Args:
        run_once: does one inference; called once before everything, then back to back.
        seconds: length of a trial, which ends with the first inference after it.
        idle_seconds: how long to measure at rest, before the trials.
    """
    timer = timer or Timer()
    run_once()
    _, idle = _read(meter, lambda: timer.sleep(idle_seconds))
    if not idle.valid:
        return Measurement(meter.source, idle, ())
    measured = [Trial(*_read(meter, lambda: repeat(run_once, seconds, timer))) for _ in range(trials)]
    return Measurement(meter.source, idle, tuple(measured))


def _read(meter, work) -> tuple:
    """Returns what `work()` does, and the meter's reading of it."""
    meter.start()
    done = work()
    return done, meter.stop()


def repeat(run_once, seconds: float, timer) -> int:
    """Calls `run_once` until so many seconds have passed, at least once; returns how often."""
    until = timer.monotonic() + seconds
    count = 0
    while count == 0 or timer.monotonic() < until:
        run_once()
        count += 1
    return count
