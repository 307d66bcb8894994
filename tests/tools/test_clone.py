import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_bundles

from dcn_tf.architecture import Conv, MaxPool
from edge.errors import UserError
from edge.interpreter import Model
from tools.calibration import calibration_inputs
from tools.clone import Clone, SymmetricWeights
from tools.convert import convert, model_entry
from tools.folding import folded_weights
from tools.graphs import graphs
from tools.qat import rounded_clone


def with_stacks(**stacks):
    return tiny_bundles.make_network(dataclasses.replace(tiny_bundles.classifier_architecture(), **stacks))


NETWORKS = {
    "separate statistics": lambda: tiny_bundles.make_network(tiny_bundles.classifier_architecture()),
    "shared statistics": lambda: tiny_bundles.make_network(tiny_bundles.classifier_architecture("shared")),
    "padding": lambda: tiny_bundles.make_network(tiny_bundles.classifier_architecture(padding="same")),
    "sequence": lambda: tiny_bundles.make_network(tiny_bundles.sequence_architecture()),
    "no normalisation, no activation, pooling with a border": lambda: with_stacks(
        coarse=(Conv(4, 5, strides=2), MaxPool(3, 2, padding="same"), Conv(8, 3, batch_normalization=False)),
        fine=(Conv(8, 3, activation=None), MaxPool(2), Conv(8, 3, padding="same")),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_folded_clone_is_the_network(name):
    network = NETWORKS[name]()
    images = tiny_bundles.make_images(network.architecture, 8).astype(np.float32) / 255
    expected, found = network(images), Clone(network, folded_weights(network))(images)
    assert set(found) == set(expected)
    np.testing.assert_array_equal(found["cells"], expected["cells"])
    for output in expected:
        np.testing.assert_allclose(found[output], expected[output], atol=1e-5, rtol=1e-5, err_msg=output)


@pytest.mark.parametrize("fixture", ["classifier", "sequence"])
def test_int8_files_do_what_the_rounded_clone_does(fixture, request):
    network = request.getfixturevalue(fixture)
    images = tiny_bundles.make_images(network.architecture)
    inputs = calibration_inputs(network, images, num_patches=2)
    clone = rounded_clone(network, inputs)
    parts = graphs(clone, 2)
    for name in ("coarse", "fine", "top"):
        graph = parts[name]
        content = convert(graph, "int8")
        model = Model(content, model_entry(content))
        values = model.input.dequantize(model.input.quantize(inputs[name][: model.input.shape[0]]))
        found, expected = model(values), graph.function(tf.constant(values))
        for output in model.outputs:
            steps = np.abs(found[output.name] - expected[output.name].numpy()) / output.scale
            assert steps.max() < 1.01, (name, output.name)
            assert np.mean(steps > 0.5) < 0.1, (name, output.name)
            assert np.unique(found[output.name]).size > 3, "a constant would agree with anything"


def test_weights_have_255_steps_of_the_greatest_of_each_filter():
    kernel = np.random.default_rng(0).normal(0, 1, (3, 3, 2, 4)).astype(np.float32) * np.float32([1, 10, 0.1, 0])
    found = SymmetricWeights()(tf.constant(kernel), training=True, weights={}).numpy()
    step = np.abs(kernel).max(axis=(0, 1, 2)) / 127
    expected = np.rint(kernel[..., :3] / step[:3]) * step[:3]
    np.testing.assert_allclose(found[..., :3], expected, atol=1e-5)
    assert not found[..., 3].any()


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        ((Conv(8, 3, activation="tanh"),), "knows the activations relu and linear, received 'tanh'; use --method=ptq"),
        ((Conv(8, 3, activation=None), MaxPool(3, 1, padding="same")), "knows padded max pooling behind relu only"),
    ],
)
def test_what_would_be_rounded_otherwise_than_by_tflite_is_told(stack, message):
    network = with_stacks(fine=stack)
    with pytest.raises(UserError, match=message):
        Clone(network, folded_weights(network))
