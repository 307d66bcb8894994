from edge.network.step_budget import StepBudget


def test_a_patch_fits_where_it_is_expected_to_end_in_time():
    budget = StepBudget(2.0, [400.0, 600.0, 500.0])
    assert budget.fits(1500.0)
    assert not budget.fits(1501.0)


def test_the_device_is_followed_and_one_slow_patch_changes_nothing():
    budget = StepBudget(2.0, [500.0] * 3)
    budget.note(90_000.0)
    assert budget.fits(1500.0)
    for _ in range(5):
        budget.note(1000.0)
    assert budget.fits(1000.0)
    assert not budget.fits(1001.0)
    assert len(budget.recent) == 9
