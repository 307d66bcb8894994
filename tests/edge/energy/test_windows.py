import pytest
from simulated_time import SimulatedTime

from edge.energy.csv_file import read_samples
from edge.energy.windows import Window, Windows, record, replay

SECONDS = 0.02  # of an inference
REST, BUSY = 2.0, 6.0  # watts


@pytest.fixture
def recorded():
    time = SimulatedTime()
    return record(lambda: time.sleep(SECONDS), trials=3, timer=time)


def trace(path, windows, shift=0.0, watts=None, period=0.1):
    """Writes what a meter tells from before the first window to after the last one: six watts in trials, two else."""
    begun, ended = windows.idle.begun - 2, windows.trials[-1].ended + 2
    lines, rest_ends = ["time,watts"], windows.idle.ended
    for number in range(round((ended - begun) / period)):
        time = begun + number * period
        power = REST if time < rest_ends or time > windows.trials[-1].ended else BUSY
        lines.append(f"{time - shift:.3f},{watts(power, number) if watts else power + number % 2 * 1e-5}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_moments_are_written_down(recorded):
    assert recorded.idle.seconds == pytest.approx(10)
    assert recorded.idle.inferences == 0
    assert all(500 <= trial.inferences <= 501 for trial in recorded.trials)
    assert recorded.trials[0].begun == pytest.approx(recorded.idle.ended)
    assert Windows.from_dict(recorded.to_dict()) == recorded


@pytest.mark.parametrize("shift", [0.0, 3.5, 1.7e9])
def test_a_trace_gives_the_joules_of_an_inference(tmp_path, recorded, shift):
    path = trace(tmp_path / "power.csv", recorded, shift)
    first, again = (replay(recorded, read_samples(path, shift), path).to_dict() for _ in range(2))
    assert first == again
    assert (first["valid"], first["source"]) == (True, "trace (power.csv)")
    assert first["energy_uj"]["median"] == pytest.approx(BUSY * SECONDS * 1e6, rel=1e-2)
    assert first["net_energy_uj"]["median"] == pytest.approx((BUSY - REST) * SECONDS * 1e6, rel=1e-2)


@pytest.mark.parametrize(
    ("watts", "message"),
    [
        (
            lambda power, number: -power - number % 2,
            "at rest: negative power",
        ),
        (lambda power, number: power, "at rest: frozen at 2 W"),
        (lambda power, number: 3 + number % 3 * 0.01 - power / 10, "the trials draw no more than rest does"),
        (lambda power, number: power * 1e6 + number % 2, "at rest: impossible power"),
    ],
)
def test_what_a_meter_does_wrong_makes_the_run_invalid(tmp_path, recorded, watts, message):
    path = trace(tmp_path / "power.csv", recorded, watts=watts)
    found = replay(recorded, read_samples(path), path).to_dict()
    assert found["why_not"].startswith(message)
    assert (found["valid"], found["energy_uj"]) == (False, None)


def test_another_clock_or_a_clock_that_was_set(tmp_path, recorded):
    path = trace(tmp_path / "power.csv", recorded, shift=3600)
    assert replay(recorded, read_samples(path), path).why_not == "at rest: no sample of power lies in the run"
    idle = recorded.idle
    moved = Windows(Window(idle.begun, idle.ended, idle.seconds - 1, 0), recorded.trials)
    samples = read_samples(path, 3600)
    assert replay(moved, samples, path).why_not == "at rest: this machine's clock was set by +1.00 s in the run"


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": 0},
        {"begun": "now"},
        {"ended": 0.0},
        {"inferences": -1},
        {"inferences": 1.5},
        {"ended": float("nan")},
    ],
)
def test_what_is_no_window(change):
    with pytest.raises(ValueError, match="must"):
        Window(**{"begun": 1.0, "ended": 2.0, "seconds": 1.0, "inferences": 1} | change)
