"""Moments between which a board was at rest or made inferences, for a meter whose trace is looked at afterwards.

A meter that is on no wire to the board, such as one in the USB feed, cannot be asked while the runs go on. So the
moments are written down, and `replay` integrates the recorded power between them.
"""

import math
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.energy.csv_file import CLOCK_TOLERANCE, Samples, read_between
from edge.energy.measure import SECONDS, TRIALS, Measurement, Trial, repeat
from edge.energy.timer import Timer


@dataclass(frozen=True)
class Window:
    """A span of time.

    Attributes:
        begun, ended: seconds since 1970, on the board's clock.
        seconds: between them on a clock that is never set.
        inferences: that were made; 0 at rest.
    """

    begun: float
    ended: float
    seconds: float
    inferences: int

    def __post_init__(self):
        times = self.begun, self.ended, self.seconds
        if not all(isinstance(time, int | float) and math.isfinite(time) for time in times):
            raise ValueError("times must be numbers")
        if type(self.inferences) is not int or self.inferences < 0:
            raise ValueError("inferences must be a whole number of at least 0")
        if not (self.seconds > 0 and self.begun < self.ended):
            raise ValueError("a window must end after it begins")

    @property
    def clock_moved(self) -> float:
        """Seconds by which the board's clock was set in the window."""
        return self.ended - self.begun - self.seconds


@dataclass(frozen=True)
class Windows:
    """A window at rest, and one for each trial, in which inferences were made back to back."""

    idle: Window
    trials: tuple

    def to_dict(self) -> dict:
        """Returns it for JSON."""
        return {"idle": asdict(self.idle), "trials": [asdict(trial) for trial in self.trials]}

    @classmethod
    def from_dict(cls, content) -> "Windows":
        """Returns what `to_dict` told; ValueError, TypeError or KeyError where it is something else."""
        trials = tuple(Window(**trial) for trial in content["trials"])
        if not trials or not all(trial.inferences for trial in trials):
            raise ValueError("there must be trials, with inferences in each")
        return cls(Window(**content["idle"]), trials)


def record(
    run_once, trials: int = TRIALS, seconds: float = SECONDS, idle_seconds: float = SECONDS, timer=None
) -> Windows:
    """Does what `edge.energy.measure.measure` does, for its arguments see there, and returns when it was done."""
    timer = timer or Timer()

    def window(work) -> Window:
        begun, begun_wall = timer.monotonic(), timer.wall()
        inferences = work()
        return Window(begun_wall, timer.wall(), timer.monotonic() - begun, inferences or 0)

    run_once()
    idle = window(lambda: timer.sleep(idle_seconds))
    return Windows(idle, tuple(window(lambda: repeat(run_once, seconds, timer)) for _ in range(trials)))


def replay(windows: Windows, samples: Samples, path) -> Measurement:
    """Returns the energy of one inference out of a recorded trace; `path` is its name.

    Where the trials draw no more than rest does, the trace is of another board or another clock, and is not valid.
    """
    idle = _reading(windows.idle, samples)
    trials = tuple(Trial(window.inferences, _reading(window, samples)) for window in windows.trials)
    measured = Measurement(f"trace ({Path(path).name})", idle, trials)
    if measured.valid and statistics.median(trial.reading.watts for trial in trials) <= idle.watts:
        return Measurement(measured.source, idle, trials, NO_RISE)
    return measured


NO_RISE = (
    "the trials draw no more than rest does: the trace is of another board, or its clock differs; look at both, and "
    "give --clock_shift"
)


def _reading(window: Window, samples: Samples):
    why_not = None
    if abs(window.clock_moved) > CLOCK_TOLERANCE:
        why_not = f"this machine's clock was set by {window.clock_moved:+.2f} s in the run"
    return read_between(samples, window.begun, window.ended, window.seconds, why_not)
