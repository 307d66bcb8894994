import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.architecture import SequenceTopSpec
from dcn_tf.labels import NOTHING, nothing_labels, sequence_labels
from dcn_tf.losses import box_loss, decode, distillation, hint, negative_log_likelihood, shortest
from dcn_tf.model import DynamicCapacityNetwork


def test_cross_entropy_by_hand():
    """Probabilities 1/4, 1/4, 1/2 and 1/10, 1/10, 4/5; labels 2 and 0: (log 2 + log 10) / 2."""
    logits = tf.math.log([[1.0, 1.0, 2.0], [1.0, 1.0, 8.0]])
    loss = negative_log_likelihood(logits, tf.constant([[2], [0]]), heads=(3,))
    np.testing.assert_allclose(loss, (np.log(2) + np.log(10)) / 2, rtol=1e-6)


def test_sequence_likelihood_by_hand():
    """The length's probability times each position's, those of 'none' too."""
    heads = (2, 3, 3)
    probabilities = np.array([[0.3, 0.7, 0.2, 0.5, 0.3, 0.6, 0.1, 0.3], [0.9, 0.1, 0.8, 0.1, 0.1, 0.25, 0.25, 0.5]])
    labels = sequence_labels([[1, 0], [0]], max_length=2, symbols=2)
    assert labels == [[1, 1, 0], [0, 0, 2]]
    loss = negative_log_likelihood(tf.constant(np.log(probabilities)), tf.constant(labels), heads)
    np.testing.assert_allclose(loss, -(np.log(0.7 * 0.5 * 0.6) + np.log(0.9 * 0.8 * 0.5)) / 2, rtol=1e-6)


def test_likelihood_of_extreme_logits():
    logits, labels = tf.constant([[1e4, -1e4], [1e4, -1e4]]), tf.constant([[0], [1]])
    np.testing.assert_allclose(negative_log_likelihood(logits, labels, (2,)), (0 + 2e4) / 2)


def test_distillation_by_hand():
    """At temperature 2 the teacher has 1/4, 3/4 and the network 1/2, 1/2; in the second row they agree."""
    taught = 2 * tf.math.log([[1.0, 3.0], [5.0, 2.0]])
    logits = 2 * tf.math.log([[7.0, 7.0], [10.0, 4.0]])
    divergence = 0.25 * np.log(0.25 / 0.5) + 0.75 * np.log(0.75 / 0.5)
    np.testing.assert_allclose(distillation(logits, taught, 2.0), 4 * divergence / 2, rtol=1e-5)


def test_distillation_moves_the_network_and_not_the_teacher():
    logits, taught = tf.constant([[1.0, 0.0, -1.0]]), tf.constant([[0.0, 2.0, 1.0]])
    for temperature in (1.0, 4.0):
        with tf.GradientTape() as tape:
            tape.watch([logits, taught])
            loss = distillation(logits, taught, temperature)
        moved, unmoved = tape.gradient(loss, [logits, taught])
        softened = [tf.nn.softmax(values / temperature) for values in (logits, taught)]
        np.testing.assert_allclose(moved, temperature * (softened[0] - softened[1]), rtol=1e-5)
        assert unmoved is None


def test_hint_by_loops(rng):
    coarse, fine = rng.normal(size=(2, 3, 4, 5)).astype(np.float32), rng.normal(size=(2, 2, 5)).astype(np.float32)
    cells = np.array([[(0, 3), (2, 0)], [(1, 1), (2, 3)]])
    distances = [
        sum((coarse[b, row, column, d] - fine[b, i, d]) ** 2 for d in range(5))
        for b in range(2)
        for i, (row, column) in enumerate(cells[b])
    ]
    value = hint(tf.constant(coarse), tf.constant(fine), tf.constant(cells))
    np.testing.assert_allclose(value, sum(distances) / 4, rtol=1e-5)


def test_a_relative_hint_is_the_same_for_longer_vectors(rng):
    coarse, fine = rng.normal(size=(2, 3, 4, 5)).astype(np.float32), rng.normal(size=(2, 6, 5)).astype(np.float32)
    cells = tf.constant(rng.integers([3, 4], size=(2, 6, 2)))
    expected = hint(coarse, fine, cells) / np.square(fine).sum(axis=-1).mean()
    np.testing.assert_allclose(hint(coarse, fine, cells, relative=True), expected, rtol=1e-5)
    np.testing.assert_allclose(hint(10 * coarse, 10 * fine, cells, relative=True), expected, rtol=1e-5)
    assert np.isfinite(hint(coarse, 0 * fine, cells, relative=True))


def test_a_relative_hint_reaches_coarse_vectors_alone(rng):
    coarse, fine = (tf.Variable(rng.normal(size=shape).astype(np.float32)) for shape in ((2, 3, 4, 5), (2, 1, 5)))
    with tf.GradientTape() as tape:
        pull = hint(coarse, fine, tf.constant([[[1, 2]], [[0, 3]]]), relative=True)
    to_coarse, to_fine = tape.gradient(pull, [coarse, fine])
    assert to_fine is None
    np.testing.assert_array_equal(np.argwhere(np.abs(to_coarse).sum(axis=-1)), [[0, 1, 2], [1, 0, 3]])


def test_likelihood_and_hint_in_one_backward_pass(classifier_architecture, rng, randomise):
    """The hint adds to the coarse weights' gradients, and exactly nothing to those of the fine stack and the top."""
    network = DynamicCapacityNetwork(classifier_architecture)
    network.build()
    randomise(network)
    images, labels = rng.random((4, 19, 23, 2), np.float32), tf.constant([[0], [1], [2], [3]])
    groups = {name: getattr(network, name).trainable_weights for name in ("coarse", "fine", "fine_top")}
    with tf.GradientTape(persistent=True) as tape:
        outputs = network(images, training=True)
        likelihood = negative_log_likelihood(outputs["logits"], labels, heads=(4,))
        pull = hint(outputs["coarse_features"], outputs["fine_features"], outputs["cells"])
        loss = likelihood + 0.5 * pull

    def gradients(target, name):
        found = tape.gradient(target, groups[name])
        return [np.zeros(w.shape, np.float32) if g is None else g.numpy() for w, g in zip(groups[name], found)]

    for name in ("fine", "fine_top"):
        for gradient in gradients(pull, name):
            np.testing.assert_array_equal(gradient, np.zeros_like(gradient))
        for whole, alone in zip(gradients(loss, name), gradients(likelihood, name)):
            np.testing.assert_array_equal(whole, alone)
            assert np.abs(alone).max() > 0
    for whole, alone, pulled in zip(
        gradients(loss, "coarse"), gradients(likelihood, "coarse"), gradients(pull, "coarse")
    ):
        assert np.abs(pulled).max() > 0
        np.testing.assert_allclose(whole, alone + 0.5 * pulled, rtol=1e-3, atol=1e-5)


def test_decode_of_a_classifier():
    logits = tf.constant([[0.1, 3.0, 2.0], [5.0, 5.0, 1.0]])
    np.testing.assert_array_equal(decode(logits, (3,)), [[1], [0]])


def test_decode_of_sequences():
    """The most probable length n; at 1..n the best symbol though 'none' be more probable; 'none' behind."""
    heads = (3, 3, 3, 3)  # lengths 1..3, two symbols and 'none'
    cases = [
        ([0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 1, 2]),  # a symbol behind the length is dropped
        ([0, 0, 1], [0, 0, 9], [1, 2, 9], [2, 1, 9], [2, 0, 1, 0]),  # 'none' leads within the length
        ([1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 2, 2]),
    ]
    logits = tf.constant([[float(v) for part in case[:4] for v in part] for case in cases])
    decoded = decode(logits, heads)
    np.testing.assert_array_equal(decoded, [case[4] for case in cases])


def test_decode_gives_labels_back(rng):
    sequences = [rng.integers(0, 10, n).tolist() for n in (1, 2, 3, 4, 5)]
    labels = np.array(sequence_labels(sequences, max_length=5, symbols=10))
    heads = (5, 11, 11, 11, 11, 11)
    logits = np.concatenate([np.eye(n)[labels[:, i]] for i, n in enumerate(heads)], axis=-1)
    np.testing.assert_array_equal(decode(tf.constant(logits), heads), labels)


def test_sequence_labels():
    assert sequence_labels([[7], [1, 0, 9]], max_length=3, symbols=10) == [[0, 7, 10, 10], [2, 1, 0, 9]]
    assert sequence_labels([], max_length=3, symbols=10) == []


@pytest.mark.parametrize("sequence", [[], [1, 2, 3, 4], [10], [-1, 2]])
def test_sequence_labels_rejects(sequence):
    with pytest.raises(ValueError, match=r"1 to 3 symbols of 0 to 9. Received: "):
        sequence_labels([[1], sequence], max_length=3, symbols=10)


def test_an_image_with_nothing_to_read_asks_for_the_uniform_distribution():
    heads = (2, 3)
    logits = np.array([[1.0, -1.0, 0.5, 0.0, 2.0]], np.float32)
    loss = float(negative_log_likelihood(logits, np.full((1, 2), NOTHING), heads))
    expected = -sum(np.mean(np.log(np.exp(p) / np.exp(p).sum())) for p in (logits[0, :2], logits[0, 2:]))
    assert loss == pytest.approx(expected, rel=1e-6)
    even = float(negative_log_likelihood(np.zeros((1, 5), np.float32), np.full((1, 2), NOTHING), heads))
    assert even == pytest.approx(np.log(2) + np.log(3))
    assert even < loss


def test_smoothing_is_the_cross_entropy_with_a_part_of_the_label_spread_evenly(rng):
    heads, smoothing, expected = (3, 5), 0.2, []
    logits = rng.normal(size=(4, 8)).astype(np.float32)
    labels = np.array([[2, 0], [0, 4], [1, 1], [NOTHING, NOTHING]], np.int32)
    for row, wanted in zip(logits.astype(np.float64), labels):
        total = 0.0
        for part, label in zip(np.split(row, [3]), wanted):
            target = np.full(len(part), 1 / len(part))
            if label != NOTHING:
                target = (1 - smoothing) * np.eye(len(part))[label] + smoothing * target
            total -= target @ (part - np.log(np.exp(part).sum()))
        expected.append(total)
    np.testing.assert_allclose(negative_log_likelihood(logits, labels, heads, smoothing), np.mean(expected), rtol=1e-6)


HEADS_FROM_0 = (4, 3, 3, 3)  # lengths 0 to 3, two symbols and 'none'


def test_labels_of_sequences_that_may_be_empty():
    labels = sequence_labels([[], [1], [0, 1, 0]], max_length=3, symbols=2, min_length=0)
    assert labels == [[0, 2, 2, 2], [1, 1, 2, 2], [3, 0, 1, 0]]
    with pytest.raises(ValueError, match=r"0 to 3 symbols of 0 to 1. Received: \[0, 0, 0, 0\]"):
        sequence_labels([[0] * 4], max_length=3, symbols=2, min_length=0)


def test_the_labels_of_nothing_are_length_0_where_there_is_one():
    assert nothing_labels(SequenceTopSpec(3, 2, min_length=0)) == [0, 2, 2, 2]
    assert nothing_labels(SequenceTopSpec(3, 2)) == [NOTHING] * 4


def test_the_shortest_length_follows_from_the_heads():
    assert shortest(SequenceTopSpec(5, 10).heads) == 1
    assert shortest(SequenceTopSpec(5, 10, min_length=0).heads) == 0
    assert shortest(SequenceTopSpec(1, 2, min_length=0).heads) == 0


def test_decode_of_sequences_that_may_be_empty():
    cases = [
        ([9, 0, 0, 0], [5, 0, 0], [0, 5, 0], [5, 0, 0], [0, 2, 2, 2]),  # nothing, whatever the positions say
        ([0, 9, 0, 0], [0, 1, 5], [0, 5, 0], [5, 0, 0], [1, 1, 2, 2]),
        ([0, 0, 0, 9], [0, 1, 5], [3, 0, 5], [0, 2, 5], [3, 1, 0, 1]),
    ]
    logits = tf.constant([[float(v) for part in case[:4] for v in part] for case in cases])
    np.testing.assert_array_equal(decode(logits, HEADS_FROM_0), [case[4] for case in cases])


def test_decode_gives_labels_of_empty_sequences_back(rng):
    sequences = [rng.integers(0, 2, n).tolist() for n in (0, 1, 2, 3)]
    labels = np.array(sequence_labels(sequences, 3, 2, min_length=0))
    logits = np.concatenate([np.eye(n)[labels[:, i]] for i, n in enumerate(HEADS_FROM_0)], axis=-1)
    np.testing.assert_array_equal(decode(tf.constant(logits), HEADS_FROM_0), labels)
    deeper = decode(tf.constant(logits.reshape(2, 2, -1)), HEADS_FROM_0)
    np.testing.assert_array_equal(deeper, labels.reshape(2, 2, 4))


def test_nothing_is_a_length_like_any_other_for_the_likelihood():
    logits = np.log(np.array([[0.7, 0.1, 0.1, 0.1, 0.2, 0.3, 0.5, 0.1, 0.1, 0.8, 0.25, 0.25, 0.5]], np.float32))
    loss = float(negative_log_likelihood(logits, np.array([[0, 2, 2, 2]], np.int32), HEADS_FROM_0))
    assert loss == pytest.approx(-np.log(0.7 * 0.5 * 0.8 * 0.5), rel=1e-5)


def test_the_loss_of_boxes_is_the_mean_distance_of_sides_where_they_are_known():
    boxes = np.array([[0.1, 0.2, 0.9, 0.8], [0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0]], np.float32)
    true = np.array([[0.2, 0.2, 0.8, 0.4], [0.0, 0.0, 0.0, 0.0], [0.0, 0.1, 0.7, 1.0]], np.float32)
    expected = ((0.1 + 0.0 + 0.1 + 0.4) / 4 + (0.0 + 0.1 + 0.3 + 0.0) / 4) / 2
    assert float(box_loss(tf.constant(boxes), tf.constant(true))) == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_boxes_that_nobody_knows_is_zero_and_has_no_gradient():
    boxes = tf.constant([[0.1, 0.2, 0.9, 0.8], [0.5, 0.5, 0.5, 0.5]])
    with tf.GradientTape() as tape:
        tape.watch(boxes)
        loss = box_loss(boxes, tf.zeros([2, 4]))
    assert float(loss) == 0.0
    np.testing.assert_array_equal(tape.gradient(loss, boxes), np.zeros((2, 4)))
