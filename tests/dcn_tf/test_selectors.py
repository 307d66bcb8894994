import dataclasses

import numpy as np
import pytest
from numpy_reference import conv_block, entropy, finite_differences, run_classifier_top, run_sequence_top, softmax

from dcn_tf.architecture import SELECTORS, SEQUENCE_SELECTORS, Conv
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.saliency import heads_entropy, select_cells
from dcn_tf.selectors import BOX_MARGIN, cell_scores, nearness


@pytest.fixture
def model(sequence_architecture, randomise):
    model = DynamicCapacityNetwork(sequence_architecture)  # 3 x 4 cells of 8 x 8 pixels, 4 apart
    model.build()
    return randomise(model)


@pytest.fixture
def glance(model, rng):
    return model.glance(rng.random((2, 16, 20, 1), np.float32))


@pytest.fixture
def classifier(classifier_architecture, randomise):
    model = DynamicCapacityNetwork(classifier_architecture)  # 4 x 5 cells, of which a window of the top sees 2 x 3
    model.build()
    return randomise(model)


@pytest.fixture
def classifier_glance(classifier, rng):
    return classifier.glance(rng.random((2, 19, 23, 2), np.float32))


def scores(name, model, glance, labels=None, boxes=((0, 0, 0, 0), (0, 0, 0, 0)), seed=(0, 0)):
    labels = np.zeros((2, len(model.architecture.top.heads)), np.int32) if labels is None else labels
    size = model.architecture.image_size
    return np.asarray(cell_scores(name, model, glance, size, labels, np.array(boxes, np.float32), seed))


@pytest.mark.parametrize("name", SELECTORS)
def test_every_selector_scores_every_cell(model, glance, name):
    assert scores(name, model, glance).shape == (2, 3, 4)


@pytest.mark.parametrize("name", sorted(set(SELECTORS) - set(SEQUENCE_SELECTORS)))
def test_every_selector_of_a_classifier_scores_every_cell(classifier, classifier_glance, name):
    assert scores(name, classifier, classifier_glance).shape == (2, 4, 5)


def test_the_activation_norm_is_the_length_of_the_vectors(model, glance):
    vectors = np.asarray(glance["coarse_features"], np.float64)
    np.testing.assert_allclose(
        scores("activation_norm", model, glance), np.sqrt((vectors**2).sum(axis=-1)), rtol=1e-5, atol=1e-6
    )


def test_the_loss_gradient_of_a_classifier_is_that_of_finite_differences(classifier, classifier_glance):
    result = scores("loss_gradient", classifier, classifier_glance, labels=np.array([[2], [0]], np.int32))
    for image, label in enumerate((2, 0)):

        def loss(features, label=label):
            return -np.log(softmax(run_classifier_top(features, classifier.coarse_top, coarse_pass=True))[label])

        gradient = finite_differences(loss, classifier_glance["coarse_features"][image]) / 2  # the mean of two images
        np.testing.assert_allclose(result[image], np.sqrt((gradient**2).sum(axis=-1)), rtol=1e-3, atol=1e-6)
    assert result.max() > 1e-3


def test_the_loss_gradient_of_a_sequence_counts_every_head(model, glance):
    labels = np.array([[1, 3, 0, 4], [0, 2, 4, 4]], np.int32)
    result = scores("loss_gradient", model, glance, labels=labels)
    columns = labels[1] + np.array([0, 3, 8, 13])  # 3 lengths, then 5 categories for each of 3 positions

    def loss(features):
        return -np.log(run_sequence_top(features, model.coarse_top, "average")[columns]).sum()

    gradient = finite_differences(loss, glance["coarse_features"][1]) / 2
    np.testing.assert_allclose(result[1], np.sqrt((gradient**2).sum(axis=-1)), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    "conv", [Conv(7, (2, 3), strides=(1, 2)), Conv(7, 2, strides=2), Conv(7, 3, strides=2, padding=1)]
)
def test_the_confidence_of_a_classifier_is_that_of_the_surest_window(classifier_architecture, randomise, rng, conv):
    top = dataclasses.replace(classifier_architecture.top, conv=conv)
    model = DynamicCapacityNetwork(dataclasses.replace(classifier_architecture, top=top))
    model.build()
    randomise(model)
    glance = model.glance(rng.random((2, 19, 23, 2), np.float32))
    result = scores("confidence", model, glance)
    expected = np.full((4, 5), -np.inf)
    features = np.asarray(glance["coarse_features"][1], np.float64)
    activations = conv_block(features, model.coarse_top.block, model.coarse_top.coarse_normalization)
    kernel, bias = (np.asarray(weight, np.float64) for weight in model.coarse_top.dense.get_weights())
    for row, column in np.ndindex(activations.shape[:2]):
        certainty = -entropy(softmax(activations[row, column] @ kernel + bias))
        for y in range(conv.kernel[0]):
            for x in range(conv.kernel[1]):
                cell = row * conv.strides[0] - conv.padding[0][0] + y, column * conv.strides[1] - conv.padding[1][0] + x
                if 0 <= cell[0] < 4 and 0 <= cell[1] < 5:
                    expected[cell] = max(expected[cell], certainty)
    np.testing.assert_allclose(result[1], expected, rtol=1e-4, atol=1e-6)
    assert np.isinf(expected).any() == (conv.kernel == (2, 2))  # whose windows leave out the last column


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
    chosen = np.asarray(select_cells(scores("oracle", model, glance, boxes=boxes), 1))
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


def test_what_does_not_exist_is_refused(model, glance, classifier, classifier_glance):
    with pytest.raises(ValueError, match="selector must be one of .* Received: 'best'"):
        scores("best", model, glance)
    with pytest.raises(ValueError, match="'average_gradient' belongs to sequences"):
        scores("average_gradient", classifier, classifier_glance)


# Pyramids.

LEVELS = (2.0, 1.0, 0.5, 0.1)  # of 16 x 20 pixels: 7 x 9, 3 x 4 cells, and of 8 x 10 and a padded 8 x 8 one cell


@pytest.fixture
def pyramid(sequence_architecture, randomise):
    model = DynamicCapacityNetwork(dataclasses.replace(sequence_architecture, levels=LEVELS))
    model.build()
    return randomise(model)


@pytest.fixture
def pyramid_glance(pyramid, rng):
    return pyramid.glance(rng.random((2, 16, 20, 1), np.float32))


def places(glance):
    """Returns (level, row, column) of every cell of the list."""
    sizes = np.asarray(glance["map_sizes"])
    return [(level, *place) for level, size in enumerate(sizes) for place in np.ndindex(*size)]


def patch_in_image(place):
    """Returns (left, top, right, bottom) in pixels of the image of an 8 x 8 patch; cells are 4 apart."""
    level, row, column = place
    zoom = [(2.0, 2.0), (1.0, 1.0), (0.5, 0.5), (2 / 16, 2 / 20)][level]
    start = (3, 3) if level == 3 else (0, 0)  # 2 x 2 pixels in the middle of 8 x 8
    top, left = ((4 * at - s) / z for at, s, z in zip((row, column), start, zoom))
    return left, top, left + 8 / zoom[1], top + 8 / zoom[0]


@pytest.mark.parametrize("name", SELECTORS)
def test_every_selector_scores_every_cell_of_a_pyramid(pyramid, pyramid_glance, name):
    result = scores(name, pyramid, pyramid_glance, boxes=((2, 2, 9, 8), (0, 0, 0, 0)))
    assert result.shape == (2, 7 * 9 + 3 * 4 + 1 + 1)
    assert np.all(np.isfinite(result))
    assert np.asarray(pyramid.select(pyramid_glance, 5, result)).shape == (2, 5, 3)


def test_the_centre_of_a_pyramid_is_that_of_the_image_on_every_level(pyramid, pyramid_glance):
    result = scores("centre", pyramid, pyramid_glance)
    expected = []
    for place in places(pyramid_glance):
        left, top, right, bottom = patch_in_image(place)
        expected.append(-(((top + bottom) / 2 - 8) ** 2) - ((left + right) / 2 - 10) ** 2)
    np.testing.assert_allclose(result, [expected] * 2, rtol=1e-5, atol=1e-4)


def oracle_order(glance, box, margin):
    """Returns the places of a pyramid as the oracle wants them, in plain Python."""
    zooms = np.array([(2.0, 2.0), (1.0, 1.0), (0.5, 0.5), (2 / 16, 2 / 20)])
    sides = np.array([box[3] - box[1], box[2] - box[0]])
    fill = (sides * zooms / (8 * (1 - 2 * margin))).max(axis=1)

    def key(place):
        left, top, right, bottom = patch_in_image(place)
        room = margin * (right - left), margin * (bottom - top)
        holds = left + room[0] <= box[0] and right - room[0] >= box[2]
        holds = holds and top + room[1] <= box[1] and bottom - room[1] >= box[3]
        distance = ((left + right - box[0] - box[2]) / 2) ** 2 + ((top + bottom - box[1] - box[3]) / 2) ** 2
        return not holds, -fill[place[0]] if holds else abs(np.log(fill[place[0]])), round(distance, 3)

    return sorted(places(glance), key=key)


@pytest.mark.parametrize(
    ("box", "level"),
    [
        ((6.5, 4.5, 8.5, 6.5), 0),  # 4 x 4 pixels of the largest
        ((5.0, 5.0, 11.0, 11.0), 1),  # 6 x 6 pixels of the image itself, which a patch holds
        ((1.0, 1.0, 7.0, 15.0), 2),  # 3 x 7 pixels of half the image
        ((0.5, 2.0, 19.5, 14.0), 3),  # as wide as the image
    ],
)
def test_the_oracle_of_a_pyramid_takes_the_level_in_which_a_patch_shows_the_box_best(
    pyramid, pyramid_glance, box, level
):
    result = scores("oracle", pyramid, pyramid_glance, boxes=[box] * 2)
    chosen = np.asarray(pyramid.select(pyramid_glance, 6, result))[0]
    expected = oracle_order(pyramid_glance, box, BOX_MARGIN)
    np.testing.assert_array_equal(chosen, expected[:6])
    assert chosen[0, 0] == level


def test_where_no_patch_holds_the_box_the_oracle_takes_the_nearest_of_the_level_that_fits_best(pyramid_glance, pyramid):
    box = (3.0, 9.0, 9.0, 14.0)  # across the cells of the image itself, and too large for the largest
    glance = pyramid_glance | {"levels": pyramid_glance["levels"][:2], "map_sizes": pyramid_glance["map_sizes"][:2]}
    glance["saliency"] = glance["saliency"][:, : 7 * 9 + 3 * 4]
    result = scores("oracle", pyramid, glance, boxes=[box] * 2)
    chosen = np.asarray(pyramid.select(glance, 3, result))[0]
    expected = oracle_order(glance, box, BOX_MARGIN)
    np.testing.assert_array_equal(chosen, expected[:3])
    assert set(chosen[:, 0].tolist()) == {1}
