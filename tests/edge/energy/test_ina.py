"""The sensors stand in for those of Adafruit's drivers: their attributes and units, checked against the sources of
adafruit-circuitpython-ina219 3.5, -ina228 2.0 and -ina260 1.3."""

from types import SimpleNamespace

import pytest
from simulated_time import SimulatedTime

from edge.energy import ina
from edge.errors import UserError


class Sensor(SimpleNamespace):
    """Raises OSError wherever it is read while `lost`. Its current has a noise of 0.001 mA, unless `frozen`."""

    lost = frozen = False
    reads = 0

    def __getattribute__(self, name):
        if name not in ("lost", "__dict__", "__class__") and object.__getattribute__(self, "lost"):
            raise OSError(121, "Remote I/O error")
        value = super().__getattribute__(name)
        if name == "current" and not object.__getattribute__(self, "frozen"):
            object.__setattr__(self, "reads", object.__getattribute__(self, "reads") + 1)
            value += 0.001 * (-1) ** object.__getattribute__(self, "reads")
        return value


DRIVERS = {
    "ina219": SimpleNamespace(ADCResolution=SimpleNamespace(ADCRES_12BIT_32S=0xD)),
    "ina228": SimpleNamespace(),
    "ina260": SimpleNamespace(AveragingCount=SimpleNamespace(COUNT_16=2)),
}


def connecting(sensor, addresses=None):
    def connect(name, address):
        if addresses is not None:
            addresses.append((name, address))
        return DRIVERS[name], sensor

    return connect


@pytest.fixture
def time():
    return SimulatedTime()


def test_ina219(time):
    sensor, addresses = Sensor(bus_voltage=5.0, current=600.0, power=99, overflow=0), []
    meter = ina.Ina219Meter(0x41, connecting(sensor, addresses), time)
    assert addresses == [("ina219", 0x41)]
    assert (sensor.bus_adc_resolution, sensor.shunt_adc_resolution) == (0xD, 0xD)
    meter.start()
    time.sleep(10)
    reading = meter.stop()
    assert reading.joules == pytest.approx(5.0 * 0.6 * 10, rel=1e-4)
    assert (meter.source, reading.valid) == ("ina219", True)


def test_ina219_beyond_its_range(time):
    sensor = Sensor(bus_voltage=5.0, current=600.0, overflow=0)
    meter = ina.Ina219Meter(connect=connecting(sensor), timer=time)
    meter.start()
    time.sleep(1)
    sensor.overflow = 1
    time.sleep(0.2)
    sensor.overflow = 0
    time.sleep(1)
    assert meter.stop().why_not == "the INA219 was out of its range of 3.2 A"
    meter.start()
    time.sleep(1)
    assert meter.stop().valid


def test_ina260(time):
    sensor = Sensor(voltage=5.1, current=1000.0, power=5100)
    meter = ina.Ina260Meter(connect=connecting(sensor), timer=time)
    assert sensor.averaging_count == 2
    meter.start()
    time.sleep(10)
    sensor.lost = True
    time.sleep(0.1)
    sensor.lost = False
    time.sleep(10)
    reading = meter.stop()
    assert reading.joules == pytest.approx(5.1 * 20.1, rel=1e-4)
    assert (meter.source, reading.ignored) == ("ina260", 2)


def test_a_sensor_that_is_lost(time):
    sensor = Sensor(voltage=5.1, current=1000.0)
    meter = ina.Ina260Meter(connect=connecting(sensor), timer=time)
    meter.start()
    time.sleep(2)
    sensor.lost = True
    time.sleep(2)
    assert meter.stop().why_not == "no sample of power for 2.00 s, where 0.5 s are allowed"


FLAGS = {"ENERGYOF": False, "MATHOF": False, "CNVRF": True}


def test_ina228_counts_itself(time):
    sensor = Sensor(energy=1000.0, alert_flags=FLAGS, current=700.0)
    meter = ina.Ina228Meter(connect=connecting(sensor), timer=time)
    meter.start()
    time.sleep(10)
    sensor.energy = 1035.5
    reading = meter.stop()
    assert (reading.joules, reading.seconds, reading.why_not) == (35.5, 10, None)
    assert meter.source == "ina228"


@pytest.mark.parametrize(
    ("after", "why_not"),
    [
        ({"energy": 999.0}, "the INA228's count stands still or was reset"),
        ({"energy": 1000.0}, "the INA228's count stands still or was reset"),
        ({"energy": 1001.0, "alert_flags": FLAGS | {"MATHOF": True}}, "the INA228's count overflowed (MATHOF)"),
        ({"lost": True}, "the INA228 could not be read"),
        ({"energy": 1030.0, "current": -700.0}, "negative current, -700 mA: the leads are swapped; swap VIN+ and VIN-"),
    ],
)
def test_ina228_gone_wrong(time, after, why_not):
    sensor = Sensor(energy=1000.0, alert_flags=FLAGS, current=700.0)
    meter = ina.Ina228Meter(connect=connecting(sensor), timer=time)
    meter.start()
    time.sleep(10)
    for name, value in after.items():
        setattr(sensor, name, value)
    assert meter.stop().why_not == why_not


def test_ina228_that_counts_more_than_it_can_measure(time):
    sensor = Sensor(energy=1000.0, alert_flags=FLAGS, current=700.0)
    meter = ina.Ina228Meter(connect=connecting(sensor), timer=time)
    meter.start()
    time.sleep(10)
    sensor.energy = 1e6
    assert meter.stop().why_not.startswith("impossible power, up to 9.99e+04 W, where 850 W are the most")


@pytest.mark.parametrize(
    ("change", "why_not"),
    [
        ({"current": -620.0}, "negative power, down to -3.16 W: the meter's leads are swapped; swap VIN+ and VIN-"),
        ({"current": 62_000.0}, "impossible power, up to 316.2 W, where 102.4 W are the most"),
        ({"current": 0.0, "frozen": True}, "impossible power, 0 W at the most: the meter is not in the board's feed"),
        ({"frozen": True}, "frozen at 3.162 W for 202 samples"),
    ],
)
def test_what_no_board_draws_spoils_a_run(time, change, why_not):
    sensor = Sensor(bus_voltage=5.1, current=620.0, overflow=0)
    for name, value in change.items():
        setattr(sensor, name, value)
    meter = ina.Ina219Meter(connect=connecting(sensor), timer=time)
    meter.start()
    time.sleep(10)
    assert meter.stop().why_not.startswith(why_not)


def test_the_driver_is_imported_and_given_the_bus():
    modules = {
        "board": SimpleNamespace(I2C=lambda: "the bus"),
        "adafruit_ina228": SimpleNamespace(INA228=lambda bus, address: (bus, address)),
    }
    driver, sensor = ina.connect("ina228", 0x44, modules.get)
    assert driver is modules["adafruit_ina228"]
    assert sensor == ("the bus", 0x44)


@pytest.mark.parametrize("error", [ModuleNotFoundError("No module named 'board'"), NotImplementedError("which board?")])
def test_a_missing_driver_is_named(error):
    def import_module(name):
        raise error

    with pytest.raises(UserError, match="; install it: pip install adafruit-circuitpython-ina260$"):
        ina.connect("ina260", 0x40, import_module)


@pytest.mark.parametrize("error", [ValueError("No I2C device at address: 0x40"), RuntimeError("wrong ID"), OSError(5)])
def test_no_sensor_answers(error):
    def sensor(bus, address):
        raise error

    modules = {"board": SimpleNamespace(I2C=object), "adafruit_ina219": SimpleNamespace(INA219=sensor)}
    with pytest.raises(UserError, match="^no INA219 answers at I2C address 0x40: .*i2cdetect -y 1$"):
        ina.connect("ina219", 0x40, modules.get)
