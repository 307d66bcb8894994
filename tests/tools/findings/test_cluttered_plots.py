import pytest

from tools import tables


def test_plots_hold_the_means_and_the_published_figures(results):
    texts, drawn = tables.render(results)
    text = "\n".join(texts.values())
    assert all(f"(results/plots/{name})" in text for name in drawn)
    by_patches = {series.label: series for series in drawn["error_by_patches.svg"].series}
    assert by_patches["here, DCN with hint"].x == (1, 8, 16)
    assert by_patches["here, DCN with hint"].y == pytest.approx((2.2, 1.1, 0.99))
    assert by_patches["paper, figure 3b"].y[-1] == 1.28
    frontier = {series.label: series for series in drawn["error_by_multiplications.svg"].series}
    assert (frontier["here, coarse"].x, frontier["here, coarse"].y) == ((6.4,), (3.7,))
    assert (frontier["paper, DCN with hint"].x, frontier["paper, DCN with hint"].y) == ((27.7,), (1.39,))
    fixed, relative = drawn["distance.svg"].series
    assert (fixed.x, fixed.y) == ((0.0064, 0.0128), (5.0, 1.5))  # million images, in batches of 128
    assert (relative.label, relative.x, relative.y) == ("DCN with relative hint, batches of 64", (0.0064,), (30.0,))
    assert "(results/cluttered_mnist/dcn_hint_seed1/attention.png)" in text
