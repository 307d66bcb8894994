import numpy as np
import pytest

from train.data import spoiling

SIZE = (54, 110)
STEP = np.zeros(SIZE, np.uint8)
STEP[:, 55:] = 120


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def none(monkeypatch):
    """Nothing is taken away unless a test says so."""
    for share in ("BLURRED", "COARSER", "FAINT", "UNEVEN", "NOISY", "STORED"):
        monkeypatch.setattr(spoiling, share, 0.0)
    monkeypatch.setattr(spoiling, "TONE", 0)
    return monkeypatch


def test_a_spoiled_window_is_a_picture_of_the_same_size_and_often_inverted(rng):
    darker = 0
    for _ in range(60):
        spoiled = spoiling.spoiled(STEP, 30.0, rng)
        assert (spoiled.shape, spoiled.dtype) == (SIZE, np.uint8)
        darker += spoiled[:, 70:].mean() < spoiled[:, :40].mean()
    assert 15 < darker < 45


def test_contrast_alone_keeps_the_mean_and_stretches_what_differs(none, rng):
    for _ in range(20):
        spoiled = spoiling.spoiled(STEP, 30.0, rng).astype(float)
        assert 0.69 * 120 < abs(spoiled[0, 0] - spoiled[0, -1]) < 1.41 * 120
        assert len(np.unique(spoiled)) == 2


def test_faint_windows_keep_a_fifth_of_the_contrast(none, rng):
    none.setattr(spoiling, "FAINT", 1.0)
    left = [abs(np.ptp(spoiling.spoiled(STEP, 30.0, rng).astype(float))) / 120 for _ in range(100)]
    assert 0.18 < min(left) < 0.3
    assert 0.6 < max(left) < 0.72


@pytest.mark.parametrize(("height", "least"), [(24, 7 / 24), (8, 7 / 8), (200, spoiling.COARSEST)])
def test_a_coarser_window_keeps_a_number_readable(none, rng, height, least):
    factors, resize = [], spoiling.cv2.resize

    def noting(values, size, fx=None, **rest):
        factors.append(fx)
        return resize(values, size, fx=fx, **rest)

    none.setattr(spoiling.cv2, "resize", noting)
    for _ in range(40):
        spoiling._coarser(STEP.astype(np.float32), height, rng)
    assert least <= min(factors[::2]) < least * 1.35
    assert max(factors[::2]) <= 0.9


def test_large_numbers_are_blurred_more(none, rng):
    none.setattr(spoiling, "BLURRED", 1.0)

    def softest(height):
        return max((np.diff(spoiling.spoiled(STEP, height, rng)[0].astype(float)) != 0).sum() for _ in range(60))

    assert softest(45.0) > 1.5 * softest(10.0)
