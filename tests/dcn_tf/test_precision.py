import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.losses import negative_log_likelihood
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.precision import computing_in

MAPS = ("coarse_features", "patches", "fine_features", "refined")


@pytest.fixture(params=["classifier", "sequence"])
def network(request, randomise):
    model = DynamicCapacityNetwork(request.getfixturevalue(f"{request.param}_architecture"))
    model.build()
    for block in (*model.coarse.blocks, *model.fine.blocks):
        block.dropout = None  # its random numbers depend on the precision
    return randomise(model)


@pytest.fixture
def images(network, rng):
    architecture = network.architecture
    return rng.random((3, *architecture.image_size, architecture.channels), np.float32)


def test_maps_are_bfloat16_within_and_float32_after(network, images):
    before = network(images)
    with computing_in(network, "bfloat16"):
        within = network(images)
    after = network(images)
    assert {within[name].dtype for name in MAPS if name != "patches"} == {tf.bfloat16}
    assert {within[name].dtype for name in ("logits", "coarse_logits", "entropy", "saliency")} == {tf.float32}
    assert {after[name].dtype for name in MAPS} == {tf.float32}
    assert {variable.dtype for variable in network.trainable_variables} == {"float32"}
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)
    np.testing.assert_allclose(within["coarse_logits"], before["coarse_logits"], atol=0.25)  # of 24


def test_it_is_float32_again_after_an_error(network, images):
    with pytest.raises(RuntimeError), computing_in(network, "bfloat16"):
        raise RuntimeError
    assert network(images)["coarse_features"].dtype == tf.float32


def test_gradients_point_where_those_of_float32_do(network, images):
    heads = network.architecture.top.heads
    labels = np.zeros((len(images), len(heads)), np.int32)
    cells = np.tile([[0, 0], [1, 2]], (len(images), 1, 1))  # the same in both

    def gradient(dtype):
        with tf.GradientTape() as tape, computing_in(network, dtype):
            outputs = network(images, training=True, cells=cells)
            loss = negative_log_likelihood(outputs["logits"], labels, heads)
        weights = network.fine.trainable_variables
        return np.concatenate([np.ravel(g) for g in tape.gradient(loss, weights)])

    exact, rounded = gradient("float32"), gradient("bfloat16")
    assert exact @ rounded / np.linalg.norm(exact) / np.linalg.norm(rounded) > 0.98
    assert np.linalg.norm(rounded) == pytest.approx(np.linalg.norm(exact), rel=0.1)
