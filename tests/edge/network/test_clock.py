import time

import pytest

from edge.network import clock as clock_module
from edge.network import result

CLOCKS = [clock_module.Clock, result.Clock]


def test_a_clock_splits_time_into_stages(monkeypatch):
    ticks = iter([0, 1500, 4000, 5000])  # nanoseconds
    monkeypatch.setattr(clock_module.time, "perf_counter_ns", lambda: next(ticks))
    clock = clock_module.Clock()
    clock.lap("input")
    clock.lap("coarse")
    clock.add("coarse")
    assert clock.laps == {"input": 1.5, "coarse": 3.5}
    assert clock.total_us == 5


@pytest.mark.parametrize("kind", CLOCKS)
def test_stages_take_what_passes(kind):
    begun, clock = time.perf_counter(), kind()
    for stage in ("levels", "coarse", "coarse", "levels"):
        time.sleep(0.002)
        (clock.add if stage == "coarse" else clock.lap)(stage)
    passed = 1e6 * (time.perf_counter() - begun)
    assert list(clock.laps) == ["levels", "coarse"]
    assert clock.laps["coarse"] >= 4000
    assert clock.laps["levels"] >= 2000
    assert 6000 <= clock.total_us <= passed
    assert clock.total_us == sum(clock.laps.values())
