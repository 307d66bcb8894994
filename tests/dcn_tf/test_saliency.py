import numpy as np
import pytest
import tensorflow as tf
from numpy_reference import entropy as numpy_entropy
from numpy_reference import finite_differences, pool_cells, run_classifier_top, run_sequence_top, softmax
from scipy import special, stats

from dcn_tf.architecture import Conv
from dcn_tf.layers import ClassifierTop, SequenceTop
from dcn_tf.saliency import entropy, entropy_saliency, heads_entropy, select_cells


def test_entropy_against_scipy(rng):
    logits = rng.normal(0, 4, (3, 5, 7)).astype(np.float32)
    expected = stats.entropy(special.softmax(logits.astype(np.float64), axis=-1), axis=-1)
    np.testing.assert_allclose(entropy(tf.constant(logits)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        ([1e4, -1e4, 0.0], 0.0),
        ([-1e4, -1e4, -1e4], np.log(3)),
        ([1e4, 1e4, -1e4], np.log(2)),
        ([0.0, 0.0, 0.0, 0.0], np.log(4)),
    ],
)
def test_entropy_of_extreme_logits(logits, expected):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = entropy(logits)
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(tape.gradient(value, logits), np.zeros(len(logits)), atol=1e-6)


def test_heads_entropy_sums_the_selected_softmaxes(rng):
    heads, logits = (3, 5, 2), rng.normal(0, 2, (4, 10)).astype(np.float32)
    parts = np.split(logits.astype(np.float64), [3, 8], axis=-1)
    each = np.array([[numpy_entropy(softmax(row)) for row in part] for part in parts])  # [heads, batch]
    np.testing.assert_allclose(heads_entropy(tf.constant(logits), heads), each.sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(heads_entropy(tf.constant(logits), heads, (2, 0)), each[2] + each[0], rtol=1e-5)


@pytest.fixture
def classifier_top(randomise):
    top = ClassifierTop(Conv(6, (3, 2), strides=(2, 1)), classes=4)
    top.build((None, None, None, 5))
    return randomise(top)


@pytest.fixture
def sequence_top(randomise):
    top = SequenceTop(max_length=3, symbols=4)
    top.build((None, None, None, 5))
    return randomise(top)


def gradient_of_classifier(top, features):
    return finite_differences(lambda f: numpy_entropy(softmax(run_classifier_top(f, top, coarse_pass=True))), features)


def gradient_of_sequence(top, features):
    """Of the summed entropies of the positions; the length, the first three probabilities, has no part in it."""

    def positions_entropy(values):
        return sum(numpy_entropy(p) for p in np.split(run_sequence_top(values, top, "average")[3:], 3))

    return finite_differences(positions_entropy, features)


@pytest.mark.parametrize(
    ("top_fixture", "gradient"),
    [("classifier_top", gradient_of_classifier), ("sequence_top", gradient_of_sequence)],
)
def test_saliency_against_finite_differences(top_fixture, gradient, request, rng):
    top, features = request.getfixturevalue(top_fixture), rng.normal(0, 1, (2, 5, 4, 5)).astype(np.float32)
    gradients = np.stack([gradient(top, image) for image in features])  # [batch, h, w, D]
    norm = np.sqrt(np.sum(gradients**2, axis=-1))
    np.testing.assert_allclose(entropy_saliency(top, tf.constant(features))[2], norm, rtol=2e-3, atol=2e-6)

    # The case tells the L2 norm from the absolute sum of the channels' gradients: their signs are mixed.
    live = norm > 1e-4
    assert live.any()
    assert (gradients[live].min(axis=-1) < 0).any()
    assert (gradients[live].max(axis=-1) > 0).any()
    assert np.all(np.abs(np.abs(gradients.sum(axis=-1)) - norm)[live] > 2e-3 * norm[live])


def test_coarse_output_and_its_entropy(classifier_top, sequence_top, rng):
    features = rng.normal(0, 1, (2, 5, 4, 5)).astype(np.float32)
    logits, output_entropy, _ = entropy_saliency(classifier_top, tf.constant(features))
    expected = np.stack([run_classifier_top(image, classifier_top, coarse_pass=True) for image in features])
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(output_entropy, [numpy_entropy(softmax(row)) for row in expected], rtol=1e-4)
    logits, output_entropy, _ = entropy_saliency(sequence_top, tf.constant(features))
    expected = np.stack([run_sequence_top(image, sequence_top, "average") for image in features])
    np.testing.assert_allclose(np.exp(logits), expected, rtol=1e-4)
    positions = [sum(numpy_entropy(p) for p in np.split(row[3:], 3)) for row in expected]
    np.testing.assert_allclose(output_entropy, positions, rtol=1e-4)


def test_saliency_of_a_settled_output_is_zero_and_not_nan(classifier_top):
    features = tf.fill([1, 5, 4, 5], 1e4)
    np.testing.assert_array_equal(entropy_saliency(classifier_top, features)[2], np.zeros((1, 5, 4)))


def test_no_gradient_flows_through_the_saliency(classifier_top, rng):
    features = tf.constant(rng.normal(0, 1, (1, 5, 4, 5)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(features)
        saliency = entropy_saliency(classifier_top, features)[2]
    assert np.max(saliency) > 0
    gradients = tape.gradient(saliency, [features, *classifier_top.trainable_weights])
    assert all(gradient is None for gradient in gradients)


def test_saliency_leaves_the_output_differentiable(classifier_top, rng):
    features = tf.constant(rng.normal(0, 1, (1, 5, 4, 5)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(features)
        _, output_entropy, saliency = entropy_saliency(classifier_top, features)
    norm = np.sqrt(np.sum(np.square(tape.gradient(output_entropy, features)), axis=-1))
    np.testing.assert_allclose(norm, saliency, rtol=1e-5)


def select_by_loops(saliency, k):
    """Takes the first of the largest that are left, k times."""
    chosen = []
    for image in saliency:
        left = [(row, column) for row in range(image.shape[0]) for column in range(image.shape[1])]
        for _ in range(k):
            best = max(left, key=lambda cell: image[cell])  # the first of equals
            left.remove(best)
            chosen.append(best)
    return np.array(chosen).reshape(len(saliency), k, 2)


@pytest.mark.parametrize("k", [1, 4, 15])
def test_select_cells(k, rng):
    saliency = rng.random((4, 3, 5)).astype(np.float32)
    np.testing.assert_array_equal(select_cells(tf.constant(saliency), k), select_by_loops(saliency, k))


@pytest.mark.parametrize("k", [1, 7, 30])
def test_ties_go_to_the_lowest_index(k, rng):
    saliency = rng.integers(0, 3, (5, 5, 6)).astype(np.float32)
    saliency[0] = 0  # an image that leaves the network settled everywhere
    np.testing.assert_array_equal(select_cells(tf.constant(saliency), k), select_by_loops(saliency, k))


@pytest.mark.parametrize("k", [0, -1, 16])
def test_select_cells_rejects(k):
    with pytest.raises(ValueError, match=f"between 1 and the number of cells, 3 x 5 = 15. Received: {k}"):
        select_cells(tf.zeros([2, 3, 5]), k)


def test_pooled_probabilities_of_the_reference_sum_to_one(rng):
    """The NumPy reference judges here, so it is judged too."""
    pooled = pool_cells(rng.normal(0, 3, (6, 8)), (3, 5), "inverse_entropy")
    np.testing.assert_allclose([pooled[:3].sum(), pooled[3:].sum()], 1)
