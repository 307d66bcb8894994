"""Networks with depthwise convolutions and residual blocks: folded, cloned, rounded, converted."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_bundles

from dcn_tf.architecture import (
    Architecture,
    ClassifierTopSpec,
    Conv,
    DepthwiseConv,
    KerasLayer,
    MaxPool,
    Residual,
    separable_conv,
)
from edge.errors import UserError
from tools.export import bundling
from tools.export.clone import Clone
from tools.export.convert import convert, operators
from tools.export.folding import folded_weights
from tools.export.graphs import graphs
from tools.export.layer_error import layer_names, weighted_outputs
from tools.export.qat import measured_ranges


@pytest.fixture(scope="module")
def network():
    """28 x 28 colour pixels, 5 x 5 cells."""
    block = Residual((DepthwiseConv(3, padding="same"), Conv(8, 1, activation=None)))
    architecture = Architecture(
        name="tiny_blocks",
        image_size=(28, 28),
        channels=3,
        coarse=(Conv(4, 5, strides=2), *separable_conv(8, 3, strides=2)),
        fine=(Conv(8, 3), MaxPool(2), *separable_conv(8, 3), block),
        top=ClassifierTopSpec(Conv(16, 3, strides=2), 5),
        patch_size=(10, 10),
        num_patches=3,
    )
    return tiny_bundles.make_network(architecture)


@pytest.fixture(scope="module")
def images(network):
    return tiny_bundles.make_images(network.architecture, 8) / np.float32(255)


def test_a_clone_computes_what_the_network_does(network, images):
    expected = network(images)
    found = Clone(network, folded_weights(network))(images, cells=expected["cells"])
    for name in ("coarse_features", "fine_features", "saliency", "logits"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-5)


def test_layers_of_blocks_have_names_weights_and_ranges(network, images):
    weights = folded_weights(network)
    assert layer_names(network.architecture)["fine"] == ["fine/0", "fine/2", "fine/3", "fine/4/0", "fine/4/1"]
    assert set(layer_names(network.architecture)["fine"]) <= set(weights)
    assert weights["fine/2"][0].shape == (3, 3, 8, 1)
    clone = Clone(network, weights)
    patches = network(images)["patches"].numpy().reshape(-1, 10, 10, 3)
    maps = network(images)["coarse_features"].numpy()
    ranges = measured_ranges(clone, {"coarse": images, "fine": patches, "top": maps, "whole_fine": images})
    assert ranges["fine/4/1"][0] < 0 <= ranges["fine/4"][0]  # the block's last layer is linear, and a ReLU follows
    assert ranges["fine/vector"] == ranges["coarse/2"]  # both stand in one map


def test_the_fine_graph_in_int8(network, images):
    clone, weights = Clone(network, folded_weights(network)), folded_weights(network)
    patches = network(images)["patches"].numpy().reshape(-1, 10, 10, 3)
    patches[0, 0, 0], patches[0, -1, -1] = 0, 1
    maps = network(images)["refined"].numpy()
    ranges = measured_ranges(clone, {"coarse": images, "fine": patches, "top": maps, "whole_fine": images})
    files = {
        name: convert(graphs(made, 3)["fine"], precision)
        for name, made, precision in (("float", clone, "float32"), ("int8", Clone(network, weights, ranges), "int8"))
    }
    assert {"DEPTHWISE_CONV_2D", "ADD"} <= set(operators(files["int8"]))
    expected, found = (weighted_outputs(files[name], patches)[-1] for name in ("float", "int8"))
    assert np.abs(found - expected).max() < 0.04 * np.abs(expected).max()


def test_a_keras_layer_is_refused_in_one_line(network):
    own = KerasLayer("LayerNormalization", place_weights=16)
    architecture = dataclasses.replace(network.architecture, fine=(*network.architecture.fine[:3], own, Conv(8, 1)))
    workdir = SimpleNamespace(model=SimpleNamespace(architecture=architecture))
    with pytest.raises(UserError, match="layer 3 of the fine stack is a Keras layer, LayerNormalization"):
        bundling.make_bundle(workdir, "float32", 2)
