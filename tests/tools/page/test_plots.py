import pytest
from finished_runs import CURVES, make_result

from tools.findings.plots import Series
from tools.page.plots import POINTS, error_plots, sureness_plot, training_plots


def test_errors_are_drawn_by_patches_and_by_cost():
    by_patches, by_cost = error_plots("test", make_result())
    assert by_patches.series == (Series("DCN", "line", (1, 2, 3, 5), (5.125, 4.125, 3.125, 1.125)),)
    assert [series.label for series in by_cost.series] == ["DCN", "coarse", "fine"]
    assert by_cost.series[0].x == (5.125, 4.125, 3.125, 1.125)  # millions
    assert by_cost.series[1] == Series("coarse", "line", (9.25,), (9.25,))


def test_only_a_dcn_has_patches_to_draw():
    assert error_plots("test", make_result("fine")) == []


def test_every_number_of_scales_has_a_line():
    result = make_result()
    scales = [
        {"scales": [1.0, 0.75, 0.5][: n + 1], "error": {"dcn": {"1": 9.0 - n}}, "multiplications": {"dcn": {"1": 5}}}
        for n in range(3)
    ]
    by_patches, _ = error_plots("crops", result | {"scales": scales})
    assert [(series.label, series.y) for series in by_patches.series] == [
        ("scale 1", (9.0,)),
        ("and 0.75", (8.0,)),
        ("and 0.5", (7.0,)),
    ]


def test_curves_are_grouped():
    curves = {name: dict(enumerate(values, 1)) for name, values in CURVES.items()} | {"train/gradient_norm": {1: 4.0}}
    plots = {plot.title.partition(":")[0]: plot for plot in training_plots(curves)}
    assert list(plots) == ["Losses", "Hint", "Gradient norm", "Validation"]
    assert plots["Losses"].series == (Series("loss", "curve", (1.0, 2.0), (2.5, 0.25)),)
    assert plots["Hint"].series[0].y == (9.0, 3.0)
    assert plots["Validation"].series[0].label == "dcn, 3 patches"
    assert training_plots({}) == []


def test_a_relative_hint_is_drawn_beside_the_distance():
    curves = {"train/loss/hint": {1: 0.5}, "train/loss/distance": {1: 20.0}, "train/loss/refined": {1: 2.0}}
    losses, distance = training_plots(curves)
    assert [series.label for series in losses.series] == ["refined"]
    assert [(series.label, series.y) for series in distance.series] == [("distance", (20.0,)), ("hint", (0.5,))]


def test_a_long_curve_becomes_means():
    curve = {step: float(step % 2) for step in range(1, 2 * POINTS + 1)}
    (series,) = training_plots({"train/loss": curve})[0].series
    assert (len(series.x), set(series.y), series.x[:2]) == (POINTS, {0.5}, (1.5, 3.5))


def test_reliability_is_drawn_beside_what_it_should_be():
    plot = sureness_plot([(0.25, 0.5, 1), (0.75, 0.5, 3)])
    assert plot.title == "Expected calibration error: 25.00 points"
    assert plot.series[0] == Series("network", "line", (0.25, 0.75), (0.5, 0.5))
    assert plot.series[1].kind == "reference"
    assert pytest.approx((0, 1)) == plot.series[1].x
