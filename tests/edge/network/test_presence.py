import numpy as np
import pytest

from edge.bundle.tensors import Tensor
from edge.network.presence import PresenceSaliency, SeenCells
from edge.network.saliency import log_softmax

HEADS, COUNTED = (4, 11, 11, 11), (1, 2, 3)
REAL = Tensor("cell_logits", 0, (1, sum(HEADS)), "float32")


def made(count=700, seed=0, nothing=30.0):
    """Returns logits of cells of which a tenth sees something."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, sum(HEADS))).astype(np.float32)
    logits[rng.random(count) > 0.1, 0] += nothing
    return logits


def seen(logits):
    return SeenCells(logits, REAL, HEADS, COUNTED, 1.5)


def test_cells_weigh_by_the_odds_that_they_see_something():
    logits = made().astype(np.float64)
    found = seen(logits.astype(np.float32))
    log_probabilities = log_softmax(logits, HEADS)
    presence = 1 - np.exp(log_probabilities[:, 0])
    weights = (presence / (1 - presence)) ** 1.5
    weights /= weights.sum()
    positions = weights @ np.exp(log_probabilities[:, 4:])
    lengths = weights @ (np.exp(log_probabilities[:, 1:4]) / presence[:, None])
    expected = np.concatenate([[1 - presence.max()], presence.max() * lengths, positions])
    np.testing.assert_allclose(np.exp(found.log_probabilities), expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.entropy, -(positions * np.log(positions)).sum(), rtol=1e-5)


def test_cells_without_presence_in_float32_are_no_error():
    logits = made(300)
    logits[:, 0] = 200
    found = seen(logits)
    assert np.isfinite(found.log_probabilities).all()
    assert found.log_probabilities[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("nothing", [0.0, 6.0, 30.0])
@pytest.mark.parametrize("certainty", [1, 4])
def test_no_more_is_computed_than_the_most_salient_cells_need(nothing, certainty):
    cells = seen(certainty * made(nothing=nothing))
    saliency_of = PresenceSaliency(np.random.default_rng(1).normal(0, 1, (24, sum(HEADS))))
    found, whole = saliency_of(cells, 5), saliency_of(cells, 700)
    best = np.argsort(-whole, kind="stable")[:5]
    np.testing.assert_array_equal(np.argsort(-found, kind="stable")[:5], best)
    np.testing.assert_array_equal(found, np.where(found > 0, whole, 0))
    assert (found > 0).sum() < (whole > 0).sum()


def test_int8_logits_are_read_with_their_scale():
    raw = np.random.default_rng(0).integers(-128, 128, (40, sum(HEADS)), np.int8)
    tensor = Tensor("cell_logits", 0, (1, sum(HEADS)), "int8", 0.05, 3)
    found = SeenCells(raw, tensor, HEADS, COUNTED, 1.5)
    expected = seen(tensor.dequantize(raw)).log_probabilities
    np.testing.assert_allclose(found.log_probabilities, expected, atol=1e-5)
