import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tiny_bundles

from dcn_tf.architecture import Conv, MaxPool
from edge.bundle.manifest import ModelFile
from edge.errors import UserError
from edge.network.interpreter import Model
from tools.export.calibration import calibration_inputs
from tools.export.clone import Clone
from tools.export.convert import convert, model_entry
from tools.export.folding import folded_weights
from tools.export.graphs import graphs
from tools.export.layers import SymmetricWeights
from tools.export.qat import measured_ranges
from tools.export.tops import top_windows


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
    architecture = network.architecture
    inputs = calibration_inputs(network, tiny_bundles.make_images(architecture), num_patches=2)
    ranges = measured_ranges(Clone(network, folded_weights(network)), inputs)
    for name, graph in graphs(tiny_bundles.laid_out_clone(network, ranges), 2).items():
        content = convert(graph, "int8")
        model = Model(content, ModelFile.from_content(model_entry(content) | {"layout": None}))
        if name != "top":
            taken = tiny_bundles.as_taken(architecture, name, inputs[name])
        else:
            taken = top_windows(architecture, inputs[name]) if fixture == "classifier" else inputs[name]
        values = model.input.dequantize(model.input.quantize(taken[: model.input.shape[0]]))
        found, expected = model(values), graph.function(tf.constant(values))
        for output in model.outputs:
            steps = np.abs(found[output.name] - expected[output.name].numpy()) / output.scale
            assert steps.max() < 1.01, (name, output.name)
            assert np.mean(steps > 0.5) < 0.1, (name, output.name)
            assert np.unique(found[output.name]).size > 3, "a constant would agree with anything"


def test_the_variables_are_those_of_the_network_and_the_whole_model_has_its_own(classifier):
    clone = Clone(classifier, folded_weights(classifier))
    names = ["coarse/0", "coarse/1", "fine/0", "fine/2", "top/conv", "top/refined", "top/logits"]
    assert list(clone.weights()) == names
    whole = ["whole_fine/0", "whole_fine/2", "whole_fine/conv", "whole_fine/logits"]
    assert len(clone.variables) == 2 * len(names)
    assert len(clone.all_variables) == 2 * len(names + whole)
    before = clone.weights()
    for variable in clone.all_variables[len(clone.variables) :]:
        variable.assign(variable + 1)
    for name, pair in clone.weights().items():
        np.testing.assert_array_equal(pair[0], before[name][0])


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
        ((Conv(8, 3, activation="tanh"),), "the activations relu and linear, received 'tanh'; train such a network"),
        (
            (Conv(8, 3, activation=None), MaxPool(3, 1, padding="same")),
            "padded max pooling behind relu only, received it behind another activation; train such a network",
        ),
    ],
)
@pytest.mark.parametrize("laid_out", [False, True])
def test_what_would_be_rounded_otherwise_than_by_tflite_is_told(stack, message, laid_out):
    network = with_stacks(fine=stack)
    with pytest.raises(UserError, match=message):
        Clone(network, folded_weights(network), laid_out=laid_out)
