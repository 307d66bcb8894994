from edge.answers import timing as timing_module
from edge.answers.timing import Timing


def test_mean_and_median_of_the_images_that_had_a_stage():
    timing = Timing({"bundle": 1500.0})
    for stages in ({"coarse": 1.0}, {"coarse": 2.0, "fine": 40.0}, {"coarse": 9.0, "fine": 60.0}):
        timing.add(stages)
    lines = [line.replace("|", " ").split() for line in timing.summary().splitlines()]
    assert timing.summary().startswith("loading: bundle 1.5 ms, first image 0.0 ms\n")
    assert lines[3:] == [["coarse", "3", "4", "2"], ["fine", "2", "50", "50"]]


def test_without_an_image_only_loading_is_told():
    assert Timing({"bundle": 1000.0}).summary() == "loading: bundle 1.0 ms"


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(timing_module, "KEPT", 2)
    timing = Timing({})
    for value in (1.0, 2.0, 4.0):
        timing.add({"coarse": value})
    assert timing.summary().splitlines()[3].split() == ["|", "coarse", "|", "2", "|", "3", "|", "3", "|"]
