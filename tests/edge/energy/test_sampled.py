import pytest
from simulated_time import SimulatedTime

from edge.energy.plausible import Plausible
from edge.energy.sampled import SampledMeter


@pytest.fixture
def time():
    return SimulatedTime()


def meter_of(time, watts, **kwargs):
    return SampledMeter("test", watts, period=0.5, longest_gap=1.0, plausible=Plausible(100), timer=time, **kwargs)


def test_rising_power_is_integrated(time):
    meter = meter_of(time, lambda: time.now - 1000)
    meter.start()
    time.sleep(10.2)
    reading = meter.stop()
    assert reading.joules == pytest.approx(10.2**2 / 2)
    assert reading.seconds == pytest.approx(10.2)
    assert reading.samples == 22  # one at the beginning, twenty every half second, one at the end
    assert (reading.ignored, reading.valid) == (0, True)


def test_readings_do_not_mix(time):
    meter = meter_of(time, lambda: 3.0)
    for _ in range(2):
        meter.start()
        time.sleep(4)
        assert meter.stop().joules == pytest.approx(12)
        time.sleep(7)


def test_a_few_failures_are_counted(time):
    failing = iter([None, OSError(), None, ValueError(), *[None] * 100])

    def watts():
        failure = next(failing)
        if failure:
            raise failure
        return 2.0

    meter = meter_of(time, watts)
    meter.start()
    time.sleep(5)
    reading = meter.stop()
    assert (reading.joules, reading.ignored, reading.valid) == (pytest.approx(10), 2, True)


def test_many_failures_make_a_gap(time):
    def watts():
        if 1002 < time.now < 1004:
            raise OSError
        return 2.0

    meter = meter_of(time, watts)
    meter.start()
    time.sleep(10)
    reading = meter.stop()
    assert (reading.joules, reading.ignored) == (None, 3)
    assert reading.why_not == "no sample of power for 2.00 s, where 1 s are allowed"


def test_a_busy_machine_makes_a_gap(time):
    meter = meter_of(time, lambda: 2.0)
    meter.start()
    time.jump(3)
    time.sleep(2)
    assert meter.stop().why_not == "no sample of power for 3.00 s, where 1 s are allowed"


def test_the_check_has_the_last_word(time):
    meter = meter_of(time, lambda: 2.0, check=lambda: "too hot")
    meter.start()
    time.sleep(2)
    reading = meter.stop()
    assert (reading.joules, reading.why_not) == (pytest.approx(4), "too hot")


def test_what_is_no_number_is_ignored(time):
    meter = meter_of(time, lambda: float("nan") if 1002 < time.now < 1002.9 else 2.0 + time.now * 1e-9)
    meter.start()
    time.sleep(5)
    reading = meter.stop()
    assert (reading.joules, reading.ignored, reading.valid) == (pytest.approx(10), 1, True)


def test_a_meter_that_stands_still_spoils_a_run(time):
    meter = meter_of(time, lambda: min(time.now - 999, 5.0))
    meter.start()
    time.sleep(30)
    reading = meter.stop()
    assert reading.why_not.startswith("frozen at 5 W for 54 samples")
    assert reading.same is None
