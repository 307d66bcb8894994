import pytest
from finished_runs import make_result

from tools.page import facts
from tools.workdir import Training


@pytest.mark.parametrize(
    ("error", "images", "low", "high"),
    [(0.0, 100, 0.0, 3.6994), (50.0, 100, 40.3832, 59.6168), (100.0, 10, 72.2466, 100.0)],
)
def test_the_interval_is_wilsons(error, images, low, high):
    assert facts.interval(error, images) == pytest.approx((low, high), abs=1e-3)


@pytest.mark.parametrize(
    ("tested", "shown"),
    [("1 2 3 5", 3), ("1 2 5", 2), ("4 5", 4), ("99", 25), ("", 3)],
)
def test_the_page_is_about_the_networks_own_number_of_patches_where_it_was_tested(classifier, tested, shown):
    result = make_result()
    result["error"]["dcn"] = dict.fromkeys(tested.split(), 1.0)
    assert facts.num_patches(Training(None, classifier, result)) == shown


def test_the_interval_that_the_evaluation_found_is_told(classifier):
    result = make_result()
    training = Training(None, classifier, result)
    place = facts.own_place(training)
    result["interval"] = {"dcn": {place[1]: [1.25, 9.75]}}
    assert facts.figures(training, place)[0][2] == "1.25 to 9.75 % with 95 % confidence"
