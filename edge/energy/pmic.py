"""The power management chip of a Raspberry Pi 5, which measures volts and amperes of its twelve rails.

It counts no energy, so it is sampled. What it does not see: its own losses, and what leaves by USB and the 5 V pins; of
the 5 V feed it knows the volts alone. The boards before the Pi 5 measure no current at all.
"""

import re
import subprocess

from edge.energy.plausible import Plausible
from edge.energy.sampled import SampledMeter
from edge.errors import UserError, one_line

PERIOD = 0.125  # seconds: one call of vcgencmd takes some milliseconds of a processor
LONGEST_GAP = 1.0  # seconds
PLAUSIBLE = Plausible(50, "use another meter")  # its supply gives 27 W
LINE = re.compile(r"\s*(\w+)_([AV])\s+(?:current|volt)\(\d+\)=(-?\d+\.?\d*)\2\s*")
UNTHROTTLED = "throttled=0x0"


def vcgencmd(command: str) -> str:
    """Returns what `vcgencmd command` prints; OSError where it fails."""
    try:
        done = subprocess.run(["vcgencmd", command], capture_output=True, text=True, timeout=5, errors="replace")
    except subprocess.TimeoutExpired:
        raise OSError(f"vcgencmd {command} does not answer") from None
    if done.returncode:
        raise OSError(f"vcgencmd {command} ended with status {done.returncode}: {done.stdout} {done.stderr}")
    return done.stdout


def rail_watts(text: str) -> dict[str, float]:
    """Returns the watts of each rail that `vcgencmd pmic_read_adc` gives volts and amperes of."""
    values = {"A": {}, "V": {}}
    for name, unit, value in filter(None, (m and m.groups() for m in map(LINE.fullmatch, text.splitlines()))):
        values[unit][name] = float(value)
    return {name: amperes * values["V"][name] for name, amperes in values["A"].items() if name in values["V"]}


class PmicMeter(SampledMeter):
    """Integrates the power of all rails; not valid where the processor was throttled or short of voltage.

    Args:
        command: 'pmic_read_adc' or 'get_throttled' -> what vcgencmd prints, or OSError.

    Raises:
        UserError: there is no vcgencmd, or it gives no amperes.
    """

    def __init__(self, command=vcgencmd, timer=None):
        self._command = command
        try:
            self._rails = rail_watts(command("pmic_read_adc")).keys()
            if not self._rails:
                raise OSError("it names no rail with volts and amperes")
        except OSError as error:
            raise UserError(
                f"vcgencmd pmic_read_adc gives no power: {one_line(error)}; use a Raspberry Pi 5, or another meter"
            ) from None
        source = f"pmic ({len(self._rails)} rails)"
        super().__init__(source, self._read_watts, PERIOD, LONGEST_GAP, PLAUSIBLE, self._throttled, timer)

    def _read_watts(self) -> float:
        watts = rail_watts(self._command("pmic_read_adc"))
        if watts.keys() != self._rails:
            raise ValueError(f"{len(watts)} rails in place of {len(self._rails)}")
        return sum(watts.values())

    def _throttled(self) -> str | None:
        try:
            answer = self._command("get_throttled").strip()
        except OSError as error:
            return f"whether it was throttled is not known: {one_line(error)}"
        if answer == UNTHROTTLED:
            return None
        return f"the processor was throttled or short of voltage since its start ({one_line(ValueError(answer))})"
