import dataclasses

import numpy as np
import pytest

from dcn_tf.architecture import SELECTORS
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.saliency import heads_entropy, select_cells
from dcn_tf.selectors import cell_scores, nearness


@pytest.fixture
def model(sequence_architecture, randomise):
    model = DynamicCapacityNetwork(sequence_architecture)  # 3 x 4 cells of 8 x 8 pixels, 4 apart
    model.build()
    return randomise(model)


@pytest.fixture
def glance(model, rng):
    return model.glance(rng.random((2, 16, 20, 1), np.float32))


def scores(name, model, glance, boxes=((0, 0, 0, 0), (0, 0, 0, 0)), seed=(0, 0)):
    return np.asarray(cell_scores(name, model, glance, (16, 20), np.array(boxes, np.float32), seed))


@pytest.mark.parametrize("name", SELECTORS)
def test_every_selector_scores_every_cell(model, glance, name):
    assert scores(name, model, glance).shape == (2, 3, 4)


def test_the_methods_own_is_the_saliency(model, glance):
    np.testing.assert_array_equal(scores("entropy_gradient", model, glance), glance["saliency"])


def test_the_papers_saliency_is_that_of_the_averaged_output(sequence_architecture, model, glance):
    np.testing.assert_allclose(scores("average_gradient", model, glance), glance["saliency"], rtol=1e-5)
    spec = dataclasses.replace(sequence_architecture.top, coarse_weighting="inverse_entropy")
    other = DynamicCapacityNetwork(dataclasses.replace(sequence_architecture, top=spec))
    other.build()
    other.set_weights(model.get_weights())
    look = other.glance(np.random.default_rng(0).random((2, 16, 20, 1), np.float32))
    assert np.abs(look["saliency"] - scores("average_gradient", other, look)).max() > 1e-3
    np.testing.assert_allclose(
        scores("average_gradient", other, look), scores("average_gradient", model, look), rtol=1e-5
    )


def test_centre_prefers_the_cells_in_the_middle(model, glance):
    chosen = np.asarray(select_cells(scores("centre", model, glance), 2))
    np.testing.assert_array_equal(chosen, [[[1, 1], [1, 2]]] * 2)


def test_the_oracle_looks_where_the_box_is(model, glance):
    boxes = [(1, 1, 7, 8), (14, 6, 18, 14)]  # centres (row, column): (4.5, 4), (10, 16)
    chosen = np.asarray(select_cells(scores("oracle", model, glance, boxes), 1))
    np.testing.assert_array_equal(chosen[:, 0], [[0, 0], [1, 3]])  # whose centres are (4, 4) and (8, 16)


def test_confidence_is_the_certainty_of_a_cells_own_prediction(model, glance):
    result = scores("confidence", model, glance)
    logits = np.asarray(model.coarse_top.cell_logits(glance["coarse_features"]))
    heads = model.architecture.top.heads
    np.testing.assert_allclose(
        result[1, 2, 3], -np.asarray(heads_entropy(logits[1, 2, 3], heads, (1, 2, 3))), rtol=1e-5
    )


def test_random_depends_on_the_seed_alone(model, glance):
    one, again, other = (scores("random", model, glance, seed=seed) for seed in ((0, 1), (0, 1), (0, 2)))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_nearness_is_minus_the_squared_distance_to_the_centres(model):
    result = np.asarray(nearness(model.coarse.geometry, (1, 3, 4), np.array([[5.0, 10.0]], np.float32)))
    assert result[0, 0, 0] == -((5 - 4) ** 2 + (10 - 4) ** 2)
    assert result[0, 2, 3] == -((5 - 12) ** 2 + (10 - 16) ** 2)


def test_what_does_not_exist_is_refused(model, glance, classifier_architecture):
    with pytest.raises(ValueError, match="selector must be one of .* Received: 'best'"):
        scores("best", model, glance)
    classifier = DynamicCapacityNetwork(classifier_architecture)
    classifier.build()
    look = classifier.glance(np.zeros((1, 19, 23, 2), np.float32))
    with pytest.raises(ValueError, match="a prediction per cell, which classifiers do not have"):
        cell_scores("confidence", classifier, look, (19, 23), None, (0, 0))
