import numpy as np
import pytest

from edge.bundle.tensors import Tensor
from edge.network import compiled, presence
from edge.network.softmaxes import log_softmax

FORMS = [
    presence,
    pytest.param(compiled, marks=pytest.mark.skipif(not compiled.IS_COMPILED, reason="edge was installed without C")),
]
both_forms = pytest.mark.parametrize("form", FORMS, ids=["numpy", "c"])
needs_compiled = FORMS[1].marks[0]

HEADS, COUNTED = (4, 11, 11, 11), (1, 2, 3)
REAL = Tensor("cell_logits", 0, (1, sum(HEADS)), "float32")


def made(count=700, seed=0, nothing=30.0):
    """Returns logits of cells of which a tenth sees something."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, sum(HEADS))).astype(np.float32)
    logits[rng.random(count) > 0.1, 0] += nothing
    return logits


def seen(logits, form=presence, tensor=REAL):
    return form.SeenCells(logits, tensor, HEADS, COUNTED, 1.5)


def best_of(saliency, count):
    return np.argsort(-saliency, kind="stable")[:count]


@both_forms
def test_cells_weigh_by_the_odds_that_they_see_something(form):
    logits = made().astype(np.float64)
    found = seen(logits.astype(np.float32), form)
    log_probabilities = log_softmax(logits, HEADS)
    presence = 1 - np.exp(log_probabilities[:, 0])
    weights = (presence / (1 - presence)) ** 1.5
    weights /= weights.sum()
    positions = weights @ np.exp(log_probabilities[:, 4:])
    lengths = weights @ (np.exp(log_probabilities[:, 1:4]) / presence[:, None])
    expected = np.concatenate([[1 - presence.max()], presence.max() * lengths, positions])
    np.testing.assert_allclose(np.exp(found.log_probabilities), expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.entropy, -(positions * np.log(positions)).sum(), rtol=1e-5)


@both_forms
def test_cells_without_presence_in_float32_are_no_error(form):
    logits = made(300)
    logits[:, 0] = 200
    found = seen(logits, form)
    assert np.isfinite(found.log_probabilities).all()
    assert found.log_probabilities[0] == pytest.approx(0, abs=1e-6)


@both_forms
@pytest.mark.parametrize("nothing", [0.0, 6.0, 30.0])
@pytest.mark.parametrize("certainty", [1, 4])
def test_no_more_is_computed_than_the_most_salient_cells_need(nothing, certainty, form):
    cells = seen(certainty * made(nothing=nothing), form)
    saliency_of = form.PresenceSaliency(np.random.default_rng(1).normal(0, 1, (24, sum(HEADS))))
    found, whole = saliency_of(cells, 5), saliency_of(cells, 700)
    np.testing.assert_array_equal(best_of(found, 5), best_of(whole, 5))
    np.testing.assert_array_equal(found, np.where(found > 0, whole, 0))
    assert (found > 0).sum() < (whole > 0).sum()


@both_forms
def test_int8_logits_are_read_with_their_scale(form):
    raw, tensor = made_int8(40)
    expected = seen(tensor.dequantize(raw)).log_probabilities
    np.testing.assert_allclose(seen(raw, form, tensor).log_probabilities, expected, atol=1e-5)


def made_int8(count, scale=0.05):
    raw = np.random.default_rng(0).integers(-128, 128, (count, sum(HEADS)), np.int8)
    return raw, Tensor("cell_logits", 0, (1, sum(HEADS)), "int8", scale, 3)


@needs_compiled
@pytest.mark.parametrize("count", [1, 40, 700])
@pytest.mark.parametrize("triangular", [False, True])
@pytest.mark.parametrize("kind", ["int8", "coarse int8", "uint8", "float32"])
def test_both_forms_find_the_same_cells(count, triangular, kind):
    """Equal cells, and a saliency that differs by what float32 rounds: the order of sums is another."""
    raw, tensor = made_int8(count, 0.4 if kind == "coarse int8" else 0.05)
    if kind == "uint8":
        raw, tensor = raw.view(np.uint8), Tensor("cell_logits", 0, tensor.shape, "uint8", 0.05, 120)
    elif kind == "float32":
        raw, tensor = made(count), REAL
    dense = np.random.default_rng(1).normal(0, 1, (sum(HEADS), sum(HEADS)))
    dense = np.triu(dense) if triangular else dense[:21]
    cells = [seen(raw, form, tensor) for form in (presence, compiled)]
    np.testing.assert_allclose(cells[1].weights, cells[0].weights, rtol=2e-5, atol=1e-30)
    np.testing.assert_allclose(cells[1].log_probabilities, cells[0].log_probabilities, atol=2e-5)
    assert cells[1].entropy == pytest.approx(cells[0].entropy, rel=1e-5)
    for k in (1, 8, count):
        wanted, found = (
            form.PresenceSaliency(dense)(seen, min(k, count)) for form, seen in zip((presence, compiled), cells)
        )
        best = best_of(wanted, k)
        clear = best[wanted[best] > 1e-6 * wanted.max()][:40]  # and not what the squares of float32 lose
        np.testing.assert_array_equal(best_of(found, len(clear)), clear)
        np.testing.assert_allclose(found[best], wanted[best], rtol=2e-5, atol=1e-6 * wanted.max())


@needs_compiled
def test_of_equal_cells_the_first_is_selected():
    raw, tensor = made_int8(10)
    cells = seen(np.tile(raw, (7, 1)), compiled, tensor)
    found = compiled.PresenceSaliency(np.eye(sum(HEADS)))(cells, 14)
    np.testing.assert_array_equal(best_of(found, 14) % 10, np.repeat(best_of(found[:10], 2), 7))
    np.testing.assert_array_equal(best_of(found, 7) // 10, np.arange(7))


@needs_compiled
def test_arrays_that_do_not_fit_are_refused():
    raw, tensor = made_int8(10)
    cells, saliency_of = seen(raw, compiled, tensor), compiled.PresenceSaliency(np.ones((4, sum(HEADS) - 4)))
    with pytest.raises(ValueError, match="do not fit"):
        saliency_of(cells, 3)
    with pytest.raises(ValueError, match="do not fit"):
        compiled.PresenceSaliency(np.ones((4, sum(HEADS))))(cells, 0)
    with pytest.raises(ValueError, match="do not fit"):
        seen(raw[:, :-1], compiled, tensor)
    with pytest.raises(ValueError, match="do not fit"):
        seen(raw[:0], compiled, tensor)
