import pytest
from simulated_time import SimulatedTime

from edge.energy.measure import measure
from edge.energy.reading import Reading


class Board:
    """2 W at rest; an inference takes 0.03 s at 6 W, or as many W as the trial says."""

    source = "simulated"

    def __init__(self, watts=(6.0,) * 5, spoilt=None, same=None):
        self.time, self.same = SimulatedTime(), same
        self.watts, self.spoilt = [2.0, *watts], spoilt
        self.inferences, self.readings = 0, 0

    def run_once(self):
        self.inferences += 1
        self.time.sleep(0.03)

    def start(self):
        self.begun = self.time.monotonic()

    def stop(self):
        elapsed = self.time.monotonic() - self.begun
        why_not = "it was throttled" if self.spoilt == self.readings else None
        reading = Reading(
            None if why_not else self.watts[self.readings] * elapsed,
            elapsed,
            9,
            1,
            why_not,
            self.same and self.same[self.readings],
        )
        self.readings += 1
        return reading

    def measure(self, **kwargs):
        return measure(self, self.run_once, timer=self.time, **kwargs)


def test_five_trials_of_ten_seconds():
    board = Board()
    measured = board.measure()
    assert measured.idle.seconds == pytest.approx(10)
    assert len(measured.trials) == 5
    for trial in measured.trials:
        assert trial.inferences == 334  # 333 take 9.99 s
        assert trial.reading.seconds == pytest.approx(10.02)
    assert board.inferences == 5 * 334 + 1
    facts = measured.to_dict()
    assert facts["energy_uj"]["median"] == pytest.approx(6 * 0.03 * 1e6)
    assert facts["net_energy_uj"]["median"] == pytest.approx((6 - 2) * 0.03 * 1e6)
    assert facts["idle_watts"] == pytest.approx(2)
    assert (facts["source"], facts["valid"], facts["why_not"]) == ("simulated", True, None)
    assert (facts["trials"], facts["inferences"], facts["ignored_samples"]) == (5, [334] * 5, 6)


def test_median_and_spread():
    facts = Board(watts=[7.0, 5.0, 90.0, 6.5, 6.0]).measure().to_dict()
    assert facts["energy_uj"] == pytest.approx({"median": 6.5 * 3e4, "min": 5 * 3e4, "max": 90 * 3e4})
    assert facts["net_energy_uj"] == pytest.approx({"median": 4.5 * 3e4, "min": 3 * 3e4, "max": 88 * 3e4})


def test_what_is_lost_in_noise_is_not_hidden():
    assert Board(watts=[1.9] * 5).measure().to_dict()["net_energy_uj"]["median"] == pytest.approx(-0.1 * 3e4)


def test_other_lengths():
    measured = Board().measure(trials=2, seconds=0.01, idle_seconds=3)
    assert measured.idle.seconds == pytest.approx(3)
    assert [trial.inferences for trial in measured.trials] == [1, 1]


def test_one_bad_reading_spoils_it():
    facts = Board(spoilt=3).measure().to_dict()
    assert (facts["valid"], facts["why_not"]) == (False, "trial 3: it was throttled")
    assert (facts["energy_uj"], facts["net_energy_uj"], facts["idle_watts"]) == (None, None, None)


def test_without_a_power_at_rest_there_are_no_trials():
    board = Board(spoilt=0)
    measured = board.measure()
    assert (measured.why_not, measured.trials, board.inferences) == ("at rest: it was throttled", (), 1)
    assert measured.to_dict()["energy_uj"] is None


@pytest.mark.parametrize(
    ("same", "why_not"),
    [
        ([2.0] * 6, "frozen at 2 W for 54 samples"),
        ([2.5, 2.0, 2.0, 2.0, 2.0, 2.1], "frozen at 2 W for 36 samples"),
        ([2.5, 2.0, 2.0, 2.0, None, 2.0], None),
        ([2.0, 2.1, 2.2, 2.3, 2.4, 2.5], None),
    ],
)
def test_a_meter_that_stands_still_over_several_trials_spoils_it(same, why_not):
    found = Board(same=same).measure().why_not
    assert found is None if why_not is None else found.startswith(why_not)
