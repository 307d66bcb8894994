import numpy as np
import pytest

from train.data.rendering.backgrounds import (
    PHOTOGRAPH,
    SEEN,
    background_window,
    render_background,
    seen_share,
)

SIZE = (64, 128)


@pytest.mark.parametrize(
    ("window", "share"),
    [((0, 0, 20, 20), 1), ((15, 0, 40, 40), 0.5), ((15, 15, 40, 40), 0.25), ((20, 10, 30, 20), 0), ((0, 0, 5, 5), 0)],
)
def test_the_share_of_a_box_in_a_window(window, share):
    assert seen_share(np.array((10.0, 10, 20, 20)), np.array(window, float)) == share


def test_a_background_is_an_image_without_a_label():
    rendering = render_background(np.random.default_rng(0), SIZE)
    assert rendering.image.shape == SIZE
    assert rendering.image.dtype == np.uint8
    assert rendering.label == ()
    assert rendering.box.tolist() == [0, 0, 0, 0]
    again = render_background(np.random.default_rng(0), SIZE)
    np.testing.assert_array_equal(rendering.image, again.image)


@pytest.mark.parametrize("box", [(90, 40, 140, 80), (0, 0, 30, 20), (200, 100, 224, 128)])
def test_windows_lie_in_the_photograph_and_never_hold_the_number(box):
    rng, shares = np.random.default_rng(1), []
    for _ in range(80):
        window = background_window(rng, np.array(box, float), PHOTOGRAPH, SIZE)
        if window is not None:
            assert (window >= 0).all()
            assert (window[2:] <= PHOTOGRAPH[::-1]).all()
            assert (window[2:] - window[:2] >= 38).all()
            shares.append(seen_share(np.array(box, float), window))
    assert len(shares) > 60
    assert max(shares) <= SEEN
    assert 0.3 < np.mean(np.array(shares) > 0) < 0.7


def test_a_number_that_is_everywhere_leaves_no_window():
    rng = np.random.default_rng(1)
    assert background_window(rng, np.array((1.0, 1, 222, 127)), PHOTOGRAPH, (128, 224)) is None


@pytest.mark.parametrize("index", [1735, 4395, 4583])
def test_low_digits_of_a_large_face_leave_little_room(index):
    """Old-style figures fill a small photograph at a type size that is larger than they are."""
    assert render_background(np.random.default_rng([1, index, 2]), SIZE).image.shape == SIZE
