import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy_reference import convolve, max_pool, pool_cells, run_classifier_top, run_sequence_top, run_stack, softmax
from numpy_reference import entropy as entropy_of

from dcn_tf.architecture import Conv, MaxPool
from dcn_tf.layers import (
    BATCH_NORMALIZATION,
    INVERSE_ENTROPY_FLOOR,
    ClassifierTop,
    CoarseStack,
    FineStack,
    SequenceTop,
)

MIXED_STACK = (
    Conv(4, (3, 4), strides=(2, 1), padding=((2, 0), (1, 3))),
    MaxPool((3, 2), strides=(2, 1), padding=((1, 2), (0, 1))),
    Conv(5, (2, 3), padding="same", batch_normalization=False, activation=None),
    Conv(3, 3, strides=2, padding="same", dropout=0.5),
)


def built(layer, channels, randomise):
    layer.build((None, None, None, channels))
    return randomise(layer)


def images_of(rng, *shape):
    return rng.normal(0, 1, shape).astype(np.float32)


@pytest.mark.parametrize("stack_class", [CoarseStack, FineStack])
def test_stack_against_numpy(stack_class, rng, randomise):
    stack, images = built(stack_class(MIXED_STACK), 2, randomise), images_of(rng, 2, 13, 11, 2)
    expected = np.stack([run_stack(image, stack) for image in images])
    np.testing.assert_allclose(stack(images), expected, rtol=1e-4, atol=1e-4)
    assert stack.compute_output_shape((2, 13, 11, 2)) == expected.shape
    assert stack.compute_output_shape((None, None, None, 2)) == (None, None, None, 3)


@pytest.mark.parametrize(
    ("kernel", "strides", "padding"),
    [
        ((3, 3), (1, 1), "same"),  # the one case that is left to the convolution itself
        ((4, 2), (1, 1), "same"),
        ((4, 3), (2, 3), "same"),
        ((3, 3), (1, 1), 2),
        ((2, 5), (1, 2), ((0, 3), (4, 1))),
    ],
)
def test_explicit_padding_against_numpy(kernel, strides, padding, rng, randomise):
    layer = Conv(3, kernel, strides, padding, batch_normalization=False, activation=None)
    stack, images = built(CoarseStack([layer]), 2, randomise), images_of(rng, 1, 9, 10, 2)
    weights, bias = (w.astype(np.float64) for w in stack.get_weights())
    expected = convolve(images[0].astype(np.float64), weights, layer.strides, layer.padding) + bias
    np.testing.assert_allclose(stack(images)[0], expected, rtol=1e-4, atol=1e-4)


def test_strided_same_padding_sees_the_same_place_in_images_of_every_size(rng, randomise):
    stack = built(CoarseStack([Conv(3, 3, strides=2, padding="same")]), 1, randomise)
    images = images_of(rng, 1, 12, 12, 1)
    np.testing.assert_allclose(stack(images[:, :11, :11])[:, :5, :5], stack(images)[:, :5, :5], rtol=1e-5)


@pytest.mark.parametrize("padding", [1, "same", ((2, 0), (0, 1))])
def test_pool_padding_is_minus_infinity(padding, rng):
    layer, images = MaxPool((3, 2), strides=(1, 2), padding=padding), images_of(rng, 1, 6, 7, 3) - 5  # all negative
    assert images.max() < 0
    pool = CoarseStack([layer, Conv(3, 1, batch_normalization=False, activation=None)])
    pool.build(images.shape)
    pool.set_weights([np.eye(3).reshape(1, 1, 3, 3), np.zeros(3)])  # the convolution passes everything on
    expected = max_pool(images[0], layer.kernel, layer.strides, layer.padding)
    np.testing.assert_array_equal(pool(images)[0], expected)


def test_dropout_drops_and_scales_in_training_alone(rng, randomise):
    layer = Conv(200, 1, batch_normalization=False, dropout=0.25)
    stack, images = built(CoarseStack([layer]), 3, randomise), images_of(rng, 1, 8, 8, 3)
    kept, dropped = stack(images).numpy(), stack(images, training=True).numpy()
    live = kept > 0
    is_zero = dropped == 0
    np.testing.assert_allclose(dropped[live & ~is_zero], kept[live & ~is_zero] / 0.75, rtol=1e-5)
    assert abs(is_zero[live].mean() - 0.25) < 0.03  # 6,000 draws: five standard deviations


def test_fine_stack_gives_one_vector_per_patch(rng, randomise):
    """A patch that leaves a map of several cells is averaged over them."""
    stack, patches = FineStack(MIXED_STACK), images_of(rng, 2, 3, 13, 11, 2)
    assert stack(keras.Input((3, 13, 11, 2))).shape == (None, 3, 3)  # builds it, too
    randomise(stack)
    maps = np.array([[run_stack(patch, stack) for patch in image] for image in patches])  # [batch, k, h, w, D]
    assert maps.shape[2] * maps.shape[3] > 1
    np.testing.assert_allclose(stack(patches), maps.mean(axis=(2, 3)), rtol=1e-4, atol=1e-4)


def test_stack_rejects_an_image_that_is_too_small(randomise):
    stack = built(CoarseStack([Conv(2, 5)]), 1, randomise)
    with pytest.raises(ValueError, match=r"smallest input is \(5, 5\)"):
        stack.compute_output_shape((1, 4, 9, 1))
    with pytest.raises(ValueError, match=r"smallest input is \(5, 5\)"):
        stack(tf.zeros([1, 4, 9, 1]))


# The classifier's top.


def test_classifier_top_against_numpy(rng, randomise):
    features = images_of(rng, 2, 5, 6, 4)
    for statistics in ("shared", "separate"):
        top = built(ClassifierTop(Conv(7, (2, 3), strides=(1, 2)), 3, statistics), 4, randomise)
        for coarse_pass in (False, True):
            expected = np.stack([run_classifier_top(image, top, coarse_pass) for image in features])
            np.testing.assert_allclose(top(features, coarse_pass=coarse_pass), expected, rtol=1e-4, atol=1e-4)


def convolved(top, features):
    """Returns the mean and variance per channel of what a top's normalisation sees of a batch."""
    values = np.stack([convolve(f.astype(np.float64), top.block.convolution.get_weights()[0], (1, 1), ((0, 0), (0, 0)))
                       for f in features])  # fmt: skip
    return values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))


def statistics_of(normalization):
    return [normalization.moving_mean.numpy(), normalization.moving_variance.numpy()]


def expected_update(before, batch):
    momentum = BATCH_NORMALIZATION["momentum"]
    return [momentum * b + (1 - momentum) * n for b, n in zip(before, batch)]


def test_shared_statistics_come_from_the_refined_pass_alone(rng, randomise):
    top, features = built(ClassifierTop(Conv(7, 2), 3, "shared"), 4, randomise), images_of(rng, 3, 5, 6, 4)
    before, at_inference = statistics_of(top.block.normalization), top(features).numpy()

    coarse = top(features, training=True, coarse_pass=True).numpy()
    np.testing.assert_array_equal(coarse, at_inference)  # the same function in training
    np.testing.assert_array_equal(statistics_of(top.block.normalization), before)

    refined = top(features, training=True).numpy()
    assert np.abs(refined - at_inference).max() > 1e-2  # batch statistics
    expected = expected_update(before, convolved(top, features))
    np.testing.assert_allclose(statistics_of(top.block.normalization), expected, rtol=1e-4, atol=1e-5)


def test_shared_statistics_leave_images_independent_in_the_coarse_pass(rng, randomise):
    top, features = built(ClassifierTop(Conv(7, 2), 3, "shared"), 4, randomise), images_of(rng, 3, 5, 6, 4)
    alone = top(features[:1], training=True, coarse_pass=True)
    np.testing.assert_allclose(top(features, training=True, coarse_pass=True)[:1], alone, rtol=1e-5, atol=1e-6)


def test_separate_statistics_are_updated_by_their_own_pass(rng, randomise):
    top, features = built(ClassifierTop(Conv(7, 2), 3, "separate"), 4, randomise), images_of(rng, 3, 5, 6, 4)
    passes = {True: top.coarse_normalization, False: top.block.normalization}
    for coarse_pass in (True, False):
        own, other = passes[coarse_pass], passes[not coarse_pass]
        before, untouched = statistics_of(own), statistics_of(other)
        top(features, training=True, coarse_pass=coarse_pass)
        expected = expected_update(before, convolved(top, features))
        np.testing.assert_allclose(statistics_of(own), expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(statistics_of(other), untouched)


# The sequences' top.


@pytest.mark.parametrize("weighting", ["average", "inverse_entropy"])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 6, 5)], ids=["map", "vectors"])
def test_sequence_top_against_numpy(weighting, shape, rng, randomise):
    top, features = built(SequenceTop(3, 4, weighting), 5, randomise), images_of(rng, *shape)
    floor = INVERSE_ENTROPY_FLOOR if weighting == "inverse_entropy" else 0.0
    expected = np.stack([run_sequence_top(image, top, weighting, floor) for image in features])
    np.testing.assert_allclose(np.exp(top(features)), expected, rtol=1e-4, atol=1e-6)


def test_weighting_can_be_given_per_call(rng, randomise):
    top, features = built(SequenceTop(3, 4, "average"), 5, randomise), images_of(rng, 2, 3, 4, 5)
    expected = np.stack([run_sequence_top(f, top, "inverse_entropy", INVERSE_ENTROPY_FLOOR) for f in features])
    np.testing.assert_allclose(np.exp(top(features, weighting="inverse_entropy")), expected, rtol=1e-4, atol=1e-6)
    assert np.abs(np.exp(top(features)) - expected).max() > 1e-2


def test_inverse_entropy_listens_to_the_cell_that_knows():
    """One certain cell against one that knows nothing, by hand: weights 1 / 0.001 and 1 / (log 4 + 0.001)."""
    top = SequenceTop(max_length=1, symbols=3)
    cells = np.array([[[0.0, 1e4, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]], np.float32)  # heads of 1 and 4
    certain, ignorant = 1 / 0.001, 1 / (np.log(4) + 0.001)
    listened = (certain * 1 + ignorant * 0.25) / (certain + ignorant)
    rest = ignorant * 0.25 / (certain + ignorant)
    probabilities = np.exp(top.pool(tf.constant(cells), "inverse_entropy"))[0]
    np.testing.assert_allclose(probabilities, [1, listened, rest, rest, rest], rtol=1e-4)
    np.testing.assert_allclose(np.exp(top.pool(tf.constant(cells), "average"))[0], [1, 0.625, *[0.125] * 3], rtol=1e-5)


@pytest.mark.parametrize("weighting", ["average", "inverse_entropy"])
def test_pooling_of_extreme_predictions_is_finite(weighting, rng):
    top = SequenceTop(2, 3)
    cells = tf.constant(rng.choice([-1e4, 0.0, 1e4], (5, 6, 10)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(cells)
        logits = top.pool(cells, weighting)
    assert np.all(np.isfinite(logits))
    assert np.all(np.isfinite(tape.gradient(logits, cells)))
    expected = [pool_cells(image, top.spec.heads, weighting, INVERSE_ENTROPY_FLOOR) for image in cells.numpy()]
    np.testing.assert_allclose(np.exp(logits), expected, rtol=1e-3, atol=1e-6)


def test_unknown_weighting():
    with pytest.raises(ValueError, match="weighting must be one of .* Received: 'max'"):
        SequenceTop(3, 4, weighting="max")
    with pytest.raises(ValueError, match="weighting must be one of .* Received: 'max'"):
        SequenceTop(3, 4).pool(tf.zeros([1, 2, 18]), "max")


# Tops that know that there may be nothing to read.


def test_presence_by_hand():
    """Two cells: one sure of nothing, one that sees a number. The second speaks of the number, alone of the length."""
    top = SequenceTop(2, 2, "presence", min_length=0)  # lengths 0 to 2, two positions of two symbols and 'none'
    lengths = np.array([[0.9, 0.06, 0.04], [0.2, 0.2, 0.6]])
    first = np.array([[0.5, 0.25, 0.25], [0.8, 0.1, 0.1]])
    second = np.array([[0.1, 0.1, 0.8], [0.3, 0.6, 0.1]])
    cells = np.log(np.concatenate([lengths, first, second], axis=-1))[None].astype(np.float32)
    odds = np.array([0.1 / 0.9, 0.8 / 0.2]) ** 2
    weights = odds / odds.sum()
    present = (weights[:, None] * lengths[:, 1:] / np.array([[0.1], [0.8]])).sum(axis=0)
    expected = [0.2, *(0.8 * present), *(weights @ first), *(weights @ second)]
    np.testing.assert_allclose(np.exp(top.pool(tf.constant(cells)))[0], expected, rtol=1e-5)
    log_weights = top.cell_weights(tf.constant(cells))
    np.testing.assert_allclose(np.exp(log_weights), [odds], rtol=1e-5)


@pytest.mark.parametrize("weighting", ["presence", "votes", "average", "inverse_entropy"])
def test_pooled_heads_are_distributions(weighting, rng):
    top = SequenceTop(3, 4, weighting, min_length=0)
    pooled = np.exp(top.pool(tf.constant(rng.normal(0, 3, (4, 7, sum(top.spec.heads))), tf.float32)))
    for head in np.split(pooled, np.cumsum(top.spec.heads)[:-1], axis=-1):
        np.testing.assert_allclose(head.sum(axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("weighting", ["presence", "votes"])
def test_pooling_of_extreme_predictions_that_may_be_nothing_is_finite(weighting, rng):
    top = SequenceTop(2, 3, min_length=0)
    cells = tf.constant(rng.choice([-1e4, 0.0, 1e4], (5, 6, sum(top.spec.heads))).astype(np.float32))
    sure = np.zeros((1, 6, sum(top.spec.heads)), np.float32)
    sure[..., 0] = 1e4  # every cell is sure of nothing
    for logits in (cells, tf.constant(sure), tf.constant(-sure)):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            pooled = top.pool(logits, weighting)
            entropy = top.entropy(pooled)
        assert np.all(np.isfinite(pooled))
        assert np.all(np.isfinite(tape.gradient(entropy, logits)))


def test_the_votes_of_cells_weigh_their_whole_predictions():
    """Two cells read 1 and one reads 0: the answer is that of the two, each as sure as it is."""
    top = SequenceTop(1, 2, "votes", min_length=0)
    lengths = np.array([[0.1, 0.9], [0.3, 0.7], [0.2, 0.8]])
    symbols = np.array([[0.1, 0.8, 0.1], [0.2, 0.6, 0.2], [0.9, 0.05, 0.05]])
    cells = np.log(np.concatenate([lengths, symbols], axis=-1))[None].astype(np.float32)
    votes = np.array([0.9 * 0.8, 0.7 * 0.6, 0.0])
    assert votes.sum() > 0.8 * 0.9
    expected = [*(votes @ lengths), *(votes @ symbols)] / votes.sum()
    np.testing.assert_allclose(np.exp(top.pool(tf.constant(cells)))[0], expected, rtol=1e-5)


def test_weights_of_cells_by_every_pooling(rng):
    top = SequenceTop(3, 4, min_length=0)
    cells = rng.normal(0, 1, (2, 5, sum(top.spec.heads))).astype(np.float32)
    heads = np.split(cells.astype(np.float64), np.cumsum(top.spec.heads)[:-1], axis=-1)
    entropies = [[sum(entropy_of(softmax(head[i, j])) for head in heads) for j in range(5)] for i in range(2)]
    found = np.exp(top.cell_weights(tf.constant(cells), "inverse_entropy"))
    np.testing.assert_allclose(found, 1 / (np.array(entropies) + INVERSE_ENTROPY_FLOOR), rtol=1e-4)
    np.testing.assert_array_equal(top.cell_weights(tf.constant(cells), "average"), np.zeros((2, 5)))
    with pytest.raises(ValueError, match="weighting must be one of .* Received: 'max'"):
        top.cell_weights(tf.constant(cells), "max")


def test_the_box_of_a_top_is_read_off_its_vectors(rng, randomise):
    top, vectors = built(SequenceTop(3, 4, "votes", 0, box=True), 5, randomise), images_of(rng, 2, 6, 5)
    kernel, bias = top.box.get_weights()
    np.testing.assert_allclose(top.cell_boxes(vectors), vectors @ kernel + bias, rtol=1e-4, atol=1e-5)
    assert built(SequenceTop(3, 4), 5, randomise).box is None


# Serialisation.


LAYERS = {
    "coarse": lambda: CoarseStack(MIXED_STACK, name="a"),
    "fine": lambda: FineStack(MIXED_STACK, name="b"),
    "classifier": lambda: ClassifierTop(Conv(7, 2, activation="elu"), 3, "separate", name="c"),
    "sequence": lambda: SequenceTop(3, 4, "inverse_entropy", name="d"),
    "sequence with nothing": lambda: SequenceTop(3, 4, "votes", 0, True, name="e"),
}


@pytest.mark.parametrize("build", LAYERS.values(), ids=LAYERS)
def test_config_round_trip(build):
    layer = build()
    restored = type(layer).from_config(layer.get_config())
    assert restored.get_config() == layer.get_config()
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(restored) is type(layer)
    assert restored.get_config() == layer.get_config()


@pytest.mark.parametrize("build", LAYERS.values(), ids=LAYERS)
def test_saved_in_a_model_gives_equal_outputs(build, tmp_path, rng, randomise):
    inputs = keras.Input((13, 11, 2))
    model = keras.Model(inputs, build()(inputs))
    randomise(model)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    images = images_of(rng, 2, 13, 11, 2)
    np.testing.assert_array_equal(restored(images), model(images))
