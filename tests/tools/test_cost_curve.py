import pytest

from dcn_tf.cost import dcn_cost, whole_multiplications
from dcn_tf.presets import preset
from tools.cost_curve import as_csv, break_even, format_curve, plot, point


def test_a_point_is_the_cost_of_an_image_of_that_size():
    architecture = preset("svhn")
    at = point(architecture, 6, 256, 512)
    assert at.fine == whole_multiplications(architecture, "fine", (256, 512))
    assert at.coarse == whole_multiplications(architecture, "coarse", (256, 512))
    assert at.dcn == dcn_cost(architecture, 6, (256, 512)).total
    assert at.dcn / at.fine < 0.3


@pytest.mark.parametrize("name", ["svhn", "svhn_paper"])
def test_the_break_even_is_where_the_curves_cross(name):
    architecture = preset(name)
    even = break_even(architecture, 6)
    before, at = (point(architecture, 6, side, side) for side in (even - 1, even))
    assert before.dcn >= before.fine
    assert at.dcn < at.fine
    assert 160 < even < 200  # the paper's is near 185


def test_a_small_image_has_no_more_patches_than_cells():
    architecture = preset("svhn")
    assert point(architecture, 5000, 128, 128) == point(architecture, 20, 128, 128)
    assert point(architecture, 19, 128, 128).dcn < point(architecture, 20, 128, 128).dcn


def test_more_patches_pay_later():
    architecture = preset("svhn")
    assert break_even(architecture, 1) < break_even(architecture, 6) < break_even(architecture, 12)


def test_the_curve_in_its_three_forms():
    architecture = preset("svhn")
    points = [point(architecture, 6, side, side) for side in (128, 512)]
    table = format_curve(points, 6, 161)
    assert table.splitlines()[2].split()[:3] == ["128", "x", "128"]
    assert table.endswith("from squares of 161 pixels on")
    assert format_curve(points, 6, None).endswith("never pays")
    rows = as_csv(points).splitlines()
    assert rows[0] == "height,width,coarse,fine,dcn"
    assert rows[2] == f"512,512,{points[1].coarse},{points[1].fine},{points[1].dcn}"
    drawn = plot(points, 6, 161, "svhn")
    assert {series.label: series.y for series in drawn.series} == {
        "fine": tuple(at.fine / 1e9 for at in points),
        "DCN, 6 patches": tuple(at.dcn / 1e9 for at in points),
        "coarse": tuple(at.coarse / 1e9 for at in points),
        "break-even, 161": (0, points[1].fine / 1e9),
    }
