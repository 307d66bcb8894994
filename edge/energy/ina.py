"""Sensors of current and voltage on the I2C bus, wired into the 5 V feed: INA219, INA260 and INA228.

Their drivers are Adafruit's for CircuitPython, which are imported when such a meter is asked for:
`pip install 'dcn-tf[energy]'`.
"""

import importlib

from edge.energy.plausible import LEADS, Plausible
from edge.energy.reading import Reading
from edge.energy.sampled import SampledMeter
from edge.energy.timer import Timer
from edge.errors import UserError, one_line
from edge.quiet import quiet

PERIOD = 0.05  # seconds; the INA219 and INA260 below average over 35 ms of them
LONGEST_GAP = 0.5  # seconds
ADDRESS = 0x40
SETTLE = 0.1  # seconds after setting up, before the first value is good


def connect(name: str, address: int, import_module=importlib.import_module):
    """Returns the driver's module and its sensor.

    Args:
        name: 'ina219', 'ina228' or 'ina260'.
        address: on the I2C bus.
        import_module: in place of importlib's, for tests.

    Raises:
        UserError: the driver or Blinka is not installed, there is no I2C bus, or no such sensor on it.
    """
    try:
        with quiet():
            board, driver = import_module("board"), import_module(f"adafruit_{name}")
    except Exception as error:  # Blinka raises NotImplementedError and others on boards that it does not know
        raise UserError(
            f"the driver of the {name.upper()} cannot be imported: {one_line(error)}; "
            f"install it: pip install adafruit-circuitpython-{name}"
        ) from None
    try:
        with quiet():
            return driver, getattr(driver, name.upper())(board.I2C(), address)
    except Exception as error:  # ValueError, OSError or RuntimeError, by what is missing
        raise UserError(
            f"no {name.upper()} answers at I2C address {address:#x}: {one_line(error)}; "
            "enable I2C (raspi-config), and look for the sensor with: i2cdetect -y 1"
        ) from None


class Ina219Meter(SampledMeter):
    """Integrates an INA219's volts and amperes: up to 32 V and 3.2 A with the 0.1 ohm of Adafruit's board."""

    def __init__(self, address: int = ADDRESS, connect=connect, timer=None):
        driver, self._sensor = connect("ina219", address)  # calibrated for 32 V and 3.2 A
        averaged = driver.ADCResolution.ADCRES_12BIT_32S  # 17 ms each for volts and amperes
        self._sensor.bus_adc_resolution = self._sensor.shunt_adc_resolution = averaged
        limits = Plausible(32 * 3.2)
        super().__init__("ina219", self._read_watts, PERIOD, LONGEST_GAP, limits, self._overflow, timer)
        self._timer.sleep(SETTLE)
        self._overflowed = False

    def start(self) -> None:
        """Begins a reading."""
        self._overflowed = False
        super().start()

    def _read_watts(self) -> float:
        sensor = self._sensor
        watts = sensor.bus_voltage * sensor.current / 1e3  # finer than its own power, which has steps of 2 mW
        self._overflowed |= bool(sensor.overflow)
        return watts

    def _overflow(self):
        return "the INA219 was out of its range of 3.2 A" if self._overflowed else None


class Ina260Meter(SampledMeter):
    """Integrates an INA260's volts and amperes: up to 36 V and 15 A through its own shunt."""

    def __init__(self, address: int = ADDRESS, connect=connect, timer=None):
        driver, self._sensor = connect("ina260", address)
        self._sensor.averaging_count = driver.AveragingCount.COUNT_16  # of 1.1 ms each for volts and amperes
        super().__init__(
            "ina260", self._read_watts, PERIOD, LONGEST_GAP, Plausible(36 * 15, "swap IN+ and IN-"), timer=timer
        )
        self._timer.sleep(SETTLE)

    def _read_watts(self) -> float:
        return self._sensor.voltage * self._sensor.current / 1e3


class Ina228Meter:
    """Takes the joules that an INA228 counts itself, with the 0.015 ohm of Adafruit's board: up to 10 A."""

    source = "ina228"
    plausible = Plausible(85 * 10)

    def __init__(self, address: int = ADDRESS, connect=connect, timer=None):
        _, self._sensor = connect("ina228", address)
        self._timer = timer or Timer()
        self._timer.sleep(SETTLE)

    def start(self) -> None:
        """Begins a reading."""
        self._before = self._count()
        self._begun = self._timer.monotonic()

    def stop(self) -> Reading:
        """Ends the reading."""
        seconds = self._timer.monotonic() - self._begun
        before, after = self._before, self._count()
        if before is None or after is None:
            return Reading(None, seconds, 0, why_not="the INA228 could not be read")
        overflow = [name for name in ("ENERGYOF", "MATHOF") if after[1][name]]
        why_not = None
        if overflow:
            why_not = f"the INA228's count overflowed ({', '.join(overflow)})"
        elif min(before[2], after[2]) < 0:  # what it counts has no sign
            why_not = f"negative current, {min(before[2], after[2]):.3g} mA: the leads are swapped; {LEADS}"
        elif not after[0] > before[0]:  # also where one is no number
            why_not = "the INA228's count stands still or was reset"
        joules = after[0] - before[0]
        if why_not is None and seconds:
            why_not = self.plausible.why_not([seconds], [joules / seconds])
        return Reading(joules, seconds, 2, why_not=why_not)

    def _count(self):
        """Returns the joules, the flags and the milliamperes, or None where the sensor does not answer."""
        try:
            flags = self._sensor.alert_flags  # before the energy, whose reading clears them
            return self._sensor.energy, flags, self._sensor.current
        except OSError:
            return None
