from types import SimpleNamespace

import numpy as np
import pytest

from edge.network import budget as budget_module
from edge.network.budget import BudgetRunner, PatchBudget
from edge.network.clock import Clock
from edge.network.result import Result
from edge.network.runner import TwoStageRunner


class Device:
    """A runner on a clock of its own: the coarse stage takes 1000 us, the others 200 us and 100 us a patch."""

    def __init__(self, cells=8):
        shape, count = SimpleNamespace(shape=(6, 4, 1)), SimpleNamespace(count=cells)
        self.manifest = SimpleNamespace(input=shape, cells=count, num_patches=4, levels=None)
        self.slowness = 1.0
        self.seen = []

    def check_num_patches(self, num_patches):
        return TwoStageRunner.check_num_patches(self, num_patches)

    def run(self, image, num_patches=None, exit_entropy=None, saliency_level=None):
        exits = exit_entropy is not None and exit_entropy > 0
        k = 0 if exits else self.manifest.num_patches if num_patches is None else num_patches
        first = k not in self.seen
        self.seen.append(k)
        stages = {"coarse": 1000.0} | ({"fine": 200.0 + 100 * k} if k else {})
        stages = {name: us * self.slowness + 50_000 * first for name, us in stages.items()}  # makes its interpreters
        return Result("7", 1.0, k, np.zeros(2), (0,), stages_us=stages)


def patches(budget, count=1, device=None):
    return [budget.run(np.zeros((6, 4), np.uint8)).num_patches for _ in range(count)]


@pytest.mark.parametrize(
    ("budget_ms", "expected"), [(0, 0), (0.9, 0), (1.0, 0), (1.29, 0), (1.3, 1), (1.55, 3), (1.6, 4), (9, 4)]
)
def test_the_most_patches_that_fit(budget_ms, expected):
    assert patches(BudgetRunner(Device(), budget_ms), 3) == [expected] * 3


def test_more_than_the_manifests_patches_where_asked_for():
    device = Device()
    assert patches(BudgetRunner(device, 1.9, num_patches=8)) == [7]
    assert sorted(set(device.seen)) == list(range(9))


def test_a_slower_device_takes_fewer_patches_and_a_recovered_one_more():
    device = Device()
    budget = BudgetRunner(device, 1.6)
    assert patches(budget, 20) == [4] * 20
    device.slowness = 1.2  # 1.2 * (1000 + 200 + 100 k) <= 1600: 1 patch
    found = patches(budget, 20)
    assert found == [4] * 5 + [1] * 15  # until most of the last nine images were slow
    device.slowness = 2.0
    assert patches(budget, 20)[-1] == 0
    device.slowness = 1.0
    assert patches(budget, 20)[-1] == 4


def test_one_slow_image_changes_nothing():
    device = Device()
    budget = BudgetRunner(device, 1.6)
    patches(budget, 2)
    device.slowness = 30.0
    patches(budget)
    device.slowness = 1.0
    assert patches(budget, 3) == [4] * 3


def test_times_that_fall_with_patches_are_not_believed():
    budget = PatchBudget(2.0, np.maximum.accumulate([1000.0, 1500.0, 2500.0, 1400.0]).tolist(), 900.0)
    assert budget.num_patches() == 1


def test_a_clock_that_stands_still_fits_everything_and_levels_go_on_to_the_runner(case, monkeypatch):
    ticks = iter(range(0, 10**9, 1000))
    monkeypatch.setattr("edge.network.runner.Clock", Clock)
    monkeypatch.setattr("edge.network.clock.time.perf_counter_ns", lambda: next(ticks))  # every stage takes 1 us
    runner = TwoStageRunner(case.float32)
    with_all = BudgetRunner(runner, 1.0)
    assert with_all.run(case.images[0]).num_patches == 3
    expected = runner.run(case.images[0])
    assert with_all.run(case.images[0], saliency_level=float(expected.saliency.max())).num_patches == 1
    assert with_all.run(case.images[0], exit_entropy=1e6).num_patches == 0
    with_none = BudgetRunner(runner, 0.007)  # 3 stages with the coarse answer, 8 with patches
    result = with_none.run(case.images[0])
    assert (result.num_patches, len(result.stages_us)) == (0, 4)
    np.testing.assert_array_equal(
        result.log_probabilities, runner.run(case.images[0], exit_entropy=1e6).log_probabilities
    )


def test_every_number_of_patches_is_measured_after_its_first_use():
    device = Device()
    BudgetRunner(device, 1.0)
    assert [device.seen.count(k) for k in range(5)] == [budget_module.REPEATS + 1] * 5
