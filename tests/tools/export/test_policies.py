import itertools
from dataclasses import replace

import numpy as np
import pytest

from tools.export.policies import (
    Judgement,
    Outcomes,
    Policy,
    allowed_errors,
    curves,
    greatest_exit,
    greatest_level,
    judge,
)


@pytest.fixture
def few():
    """Four images and two patches; the third image's coarse answer is wrong, one patch repairs it."""
    return Outcomes(
        entropy=np.array([0.1, 0.2, 0.3, 0.3]),
        saliency=np.array([[5.0, 1.0], [4.0, 3.0], [6.0, 2.0], [0.5, 0.5]]),
        wrong=np.array([[0, 0, 0], [1, 0, 1], [1, 0, 0], [0, 0, 0]], bool),
        cost=np.array([[20, 30, 40]] * 4),
        exit_cost=10,
    )


def random_outcomes(seed=0, count=200, most=4):
    rng = np.random.default_rng(seed)
    return Outcomes(
        entropy=rng.integers(0, 50, count) / 10,  # many are equal
        saliency=-np.sort(-rng.integers(0, 30, (count, most)) / 10, axis=1),
        wrong=rng.random((count, most + 1)) < np.linspace(0.4, 0.1, most + 1),
        cost=np.cumsum(rng.integers(1, 9, (count, most + 1)), axis=1),
        exit_cost=1,
    )


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy(2), Judgement(4, 1, 40, 2)),
        (Policy(1), Judgement(4, 0, 30, 1)),
        (Policy(2, exit_entropy=0.2), Judgement(4, 1, (10 + 10 + 40 + 40) / 4, 1)),
        (Policy(2, exit_entropy=0.3), Judgement(4, 2, 10, 0)),
        (Policy(2, saliency_level=2.0), Judgement(4, 1, (30 + 40 + 40 + 20) / 4, 5 / 4)),
        (Policy(1, saliency_level=2.0), Judgement(4, 0, (30 + 30 + 30 + 20) / 4, 3 / 4)),
        (Policy(2, 0.1, 6.0), Judgement(4, 1, (10 + 20 + 30 + 20) / 4, 1 / 4)),
    ],
)
def test_a_policy_is_judged_image_by_image(few, policy, expected):
    assert judge(few, policy) == expected


def test_an_error_is_in_percent_of_the_images():
    assert Judgement(8, 2, 1.0, 1.0).error == 25


def test_by_hand(few):
    assert greatest_exit(few, 2, 0) == 0.2  # the second is wrong either way
    assert greatest_exit(few, 2, 1) == 0.3
    assert greatest_exit(few, 1, 0) == 0.1
    assert greatest_level(few, 2, 0) == 6.0  # the third is repaired, the second stays wrong
    assert greatest_level(few, 1, 0) == 4.0


def test_no_exit_where_the_most_certain_image_would_be_one_error_too_many(few):
    wrong = np.array([[1, 0, 0], [0, 0, 0], [1, 1, 1], [0, 0, 0]], bool)
    certain = replace(few, wrong=wrong)
    assert greatest_exit(certain, 2, 0) is None
    assert greatest_exit(certain, 2, 1) == 0.3


@pytest.mark.parametrize(("seed", "allowed"), list(itertools.product(range(5), (0, 3, 20))))
def test_no_threshold_of_the_images_is_cheaper_and_allowed(seed, allowed):
    found = random_outcomes(seed)
    most = judge(found, Policy(3)).errors + allowed
    for choice, name, values in (
        (greatest_exit, "exit_entropy", found.entropy),
        (greatest_level, "saliency_level", found.saliency[:, :3]),
    ):
        every = [judge(found, Policy(3, **{name: value})) for value in np.unique(values)]
        cheapest = min([at.multiplications for at in every if at.errors <= most], default=None)
        chosen = choice(found, 3, allowed)
        if cheapest is None:
            assert chosen is None
        else:
            at = judge(found, Policy(3, **{name: chosen}))
            assert at.errors <= most
            assert at.multiplications == cheapest


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_of_the_images_has_fewer_errors_or_as_few_for_less(seed):
    found = random_outcomes(seed)
    always = judge(found, Policy(3)).errors
    for choice, name, values in (
        (greatest_exit, "exit_entropy", found.entropy),
        (greatest_level, "saliency_level", found.saliency[:, :3]),
    ):
        every = [judge(found, Policy(3, **{name: value})) for value in np.unique(values)]
        fewest = min(at.errors for at in every)
        chosen = choice(found, 3, 0, fewest=True)
        if fewest > always:
            assert chosen is None
        else:
            at = judge(found, Policy(3, **{name: chosen}))
            assert at.errors == fewest
            assert at.multiplications == min(at.multiplications for at in every if at.errors == fewest)


def test_the_fewest_errors_may_ask_for_less_than_is_allowed(few):
    assert [greatest_exit(few, 2, 1, fewest) for fewest in (False, True)] == [0.3, 0.2]


def test_a_loss_in_points_is_rounded_down_to_images():
    outcomes = random_outcomes(count=5000)
    assert [allowed_errors(outcomes, loss) for loss in (0, 0.019, 0.02, 0.05, 0.06, 1)] == [0, 0, 1, 2, 3, 50]


def test_curves_reach_from_the_coarse_answer_to_every_patch():
    found = random_outcomes()
    by_name = {curve.name: [judge(found, policy) for policy in curve.policies] for curve in curves(found, 4)}
    assert list(by_name) == ["fixed", "exit", "adaptive", "exit and adaptive"]
    coarse, full = judge(found, Policy(4, exit_entropy=9.0)), judge(found, Policy(4))
    assert (by_name["fixed"][0], by_name["fixed"][-1], len(by_name["fixed"])) == (coarse, full, 5)
    assert (by_name["exit"][0], by_name["exit"][-1], by_name["adaptive"][-1]) == (coarse, full, full)
    for points in by_name.values():
        costs = [at.multiplications for at in points]
        assert costs == sorted(costs)
    errors = [at.errors for at in by_name["exit and adaptive"]]
    assert all(later < earlier for earlier, later in itertools.pairwise(errors))
    least = min(at.errors for name in ("exit", "adaptive") for at in by_name[name])
    assert errors[-1] <= least
