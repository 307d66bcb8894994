"""Multiplications written out as out_h * out_w * k_h * k_w * in * out, so that a reader can check them by hand."""

import numpy as np
import pytest

from dcn_tf.architecture import Architecture, Conv, MaxPool, SequenceTopSpec
from dcn_tf.cost import (
    dcn_cost,
    device_cost,
    model_bytes,
    model_weights,
    stack_multiplications,
    stack_weights,
    whole_multiplications,
)
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.presets import preset

# Cluttered MNIST, 100 x 100: 47 x 47 cells after the coarse stack's first convolution, 23 x 23 after its second.
COARSE = 47 * 47 * 7 * 7 * 1 * 12 + 23 * 23 * 3 * 3 * 12 * 24
# One 14 x 14 patch: 12, 12, pooled to 6, 6, 6, pooled to 3, 1.
PATCH = (12 * 12 * 1 + 12 * 12 * 24 + 6 * 6 * 24 + 6 * 6 * 24 + 1 * 1 * 24) * 3 * 3 * 24
# The whole image through the fine stack: 98, 98, pooled to 49, 49, 49, pooled to 24, 22.
FINE = (98 * 98 * 1 + 98 * 98 * 24 + 49 * 49 * 24 + 49 * 49 * 24 + 22 * 22 * 24) * 3 * 3 * 24
# The top: 4 x 4 of stride 2 over 23 x 23 gives 10 x 10, over 22 x 22 too; padded as in the paper's account, 12 x 12.
TOP = 10 * 10 * 4 * 4 * 24 * 96 + 96 * 10
TOP_PADDED = 12 * 12 * 4 * 4 * 24 * 96 + 96 * 10


def test_stack_of_rectangles_by_hand():
    """20 x 30 in; 18 x 13 after the convolution, 6 x 4 after the pooling, padded 3 x 2 of stride 2 x 1 gives 3 x 5."""
    stack = (Conv(5, (3, 5), strides=(1, 2)), MaxPool(3), Conv(7, (3, 2), strides=(2, 1), padding=((1, 1), (1, 1))))
    assert stack_multiplications(stack, (20, 30), 2) == 18 * 13 * 3 * 5 * 2 * 5 + 3 * 5 * 3 * 2 * 5 * 7
    assert stack_weights(stack, 2) == (3 * 5 * 2 + 1) * 5 + (3 * 2 * 5 + 1) * 7


def test_the_device_runs_the_top_on_what_changes():
    cost = device_cost(preset("cluttered_mnist"), 2, 12)
    assert (cost.coarse_stack, cost.coarse_pass, cost.saliency) == (COARSE, TOP, TOP)
    assert cost.fine_stack == 2 * PATCH
    assert cost.refined_pass == 12 * 4 * 4 * 24 * 96 + 96 * 10
    assert device_cost(preset("cluttered_mnist"), 0, 0).total == COARSE + 2 * TOP
    assert device_cost(preset("cluttered_mnist"), 8, 100) == dcn_cost(preset("cluttered_mnist"), 8)
    assert device_cost(preset("svhn"), 3, 3) == dcn_cost(preset("svhn"), 3)


def test_parts_of_cluttered_mnist():
    cost = dcn_cost(preset("cluttered_mnist"))
    assert cost.coarse_stack == COARSE
    assert cost.fine_stack == 8 * PATCH
    assert cost.coarse_pass == cost.saliency == cost.refined_pass == TOP
    assert cost.total == COARSE + 8 * PATCH + 3 * TOP


def test_the_papers_account_of_cluttered_mnist():
    """The paper gives 84.5 M for the fine model and about 27.7 M for the network with 8 patches."""
    architecture = preset("cluttered_mnist")
    fine = whole_multiplications(architecture, "fine", top_output_size=(12, 12))
    assert fine == FINE + TOP_PADDED
    assert round(fine / 1e6, 2) == 84.57
    total = dcn_cost(architecture, top_output_size=(12, 12)).total
    assert total == COARSE + 8 * PATCH + 3 * TOP_PADDED
    assert round(total / 1e6, 2) == 27.85


def test_cluttered_mnist_without_padding():
    architecture = preset("cluttered_mnist")
    assert whole_multiplications(architecture, "fine") == FINE + TOP
    assert whole_multiplications(architecture, "coarse") == COARSE + TOP
    assert round(whole_multiplications(architecture, "fine") / 1e6, 2) == 82.95
    assert round(dcn_cost(architecture).total / 1e6, 2) == 22.98


@pytest.mark.parametrize("k", [1, 4, 24])
def test_patches_cost_the_same_each(k):
    assert dcn_cost(preset("cluttered_mnist"), num_patches=k).fine_stack == k * PATCH


def test_cost_at_another_image_size():
    """60 x 40: 27 x 17, then 13 x 8; the top gives 5 x 3."""
    cost = dcn_cost(preset("cluttered_mnist"), num_patches=2, image_size=(60, 40))
    assert cost.coarse_stack == 27 * 17 * 7 * 7 * 1 * 12 + 13 * 8 * 3 * 3 * 12 * 24
    assert cost.fine_stack == 2 * PATCH
    assert cost.refined_pass == 5 * 3 * 4 * 4 * 24 * 96 + 96 * 10


def test_svhn_paper_by_hand():
    """128 x 256: coarse maps 62 x 126, 29 x 61, 13 x 29, 10 x 13, 10 x 10."""
    architecture = preset("svhn_paper")
    coarse = (
        62 * 126 * 5 * 5 * 1 * 24
        + 29 * 61 * 5 * 5 * 24 * 48
        + 13 * 29 * 5 * 5 * 48 * 128
        + 10 * 13 * 4 * 5 * 128 * 192
        + 10 * 10 * 1 * 4 * 192 * 192
        + 10 * 10 * 192 * 1024
        + 10 * 10 * 1024 * 1024
    )
    patch = (
        54 * 110 * 5 * 5 * 1 * 48
        + 27 * 55 * 5 * 5 * (48 * 64 + 64 * 128)
        + 13 * 27 * 5 * 5 * (128 * 160 + 160 * 192)
        + 6 * 13 * 3 * 3 * 3 * 192 * 192
        + 192 * 1024
        + 1024 * 1024 * 2
    )
    heads = 5 + 5 * 11
    cost = dcn_cost(architecture, num_patches=3, image_size=(128, 256))
    assert cost.coarse_stack == coarse
    assert cost.fine_stack == 3 * patch
    assert cost.coarse_pass == cost.saliency == 10 * 10 * 1024 * heads
    assert cost.refined_pass == 3 * 1024 * heads
    assert whole_multiplications(architecture, "coarse", (128, 256)) == coarse + 10 * 10 * 1024 * heads


def test_top_over_a_map():
    assert preset("cluttered_mnist").top.multiplications((23, 23), 24) == TOP
    assert preset("cluttered_mnist").top.multiplications((4, 6), 24) == 1 * 2 * 4 * 4 * 24 * 96 + 96 * 10
    assert preset("svhn").top.multiplications((2, 3), 192) == 2 * 3 * 192 * 60


def test_weights_of_cluttered_mnist_by_hand():
    weights = model_weights(preset("cluttered_mnist"))
    assert weights["coarse"] == (7 * 7 * 1 + 1) * 12 + (3 * 3 * 12 + 1) * 24
    assert weights["fine"] == (3 * 3 * 1 + 1) * 24 + 4 * (3 * 3 * 24 + 1) * 24
    assert weights["top"] == (4 * 4 * 24 + 1) * 96 + (96 + 1) * 10
    assert model_bytes(preset("cluttered_mnist")) == 4 * sum(weights.values())
    assert model_bytes(preset("cluttered_mnist"), bytes_per_weight=1) == sum(weights.values())


def test_multiplications_are_those_of_the_keras_layers(classifier_architecture, sequence_architecture, rng):
    """Counted where they happen: every convolution's real output times its real kernel."""
    for architecture in (classifier_architecture, sequence_architecture):
        network = DynamicCapacityNetwork(architecture)
        network.build()
        for name, stack in (("coarse", network.coarse), ("fine", network.fine)):
            values, counted = rng.random((1, *architecture.image_size, architecture.channels), np.float32), 0
            for block in stack.blocks:
                values = block(values)
                if hasattr(block, "convolution"):
                    counted += values.shape[1] * values.shape[2] * int(np.prod(block.convolution.kernel.shape))
            layers = getattr(architecture, name)
            assert stack_multiplications(layers, architecture.image_size, architecture.channels) == counted


def folded(layer):
    """Counts what is left of a Keras layer's weights once normalisations are folded into their convolutions."""
    return sum(int(np.prod(w.shape)) for w in layer.weights if w.name in ("kernel", "bias", "beta"))


def test_weights_are_those_of_the_keras_model(classifier_architecture, sequence_architecture):
    for architecture in (classifier_architecture, sequence_architecture, preset("cluttered_mnist"), preset("svhn")):
        network = DynamicCapacityNetwork(architecture)
        network.build()
        tops = {id(top): top for top in (network.coarse_top, network.fine_top)}.values()
        assert model_weights(architecture) == {
            "coarse": folded(network.coarse),
            "fine": folded(network.fine),
            "top": sum(folded(top) for top in tops),
        }


# A pyramid over 40 x 60: 60 x 90, 40 x 60, 20 x 30 and, of 4 x 6, padded to the patch's 8 x 12.
PYRAMID = Architecture(
    name="pyramid",
    image_size=(40, 60),
    train_size=(8, 12),
    channels=1,
    coarse=(Conv(3, 4, strides=4), Conv(5, (2, 3))),
    fine=(Conv(6, 3, padding="same"), MaxPool(2), Conv(7, (4, 6))),
    top=SequenceTopSpec(2, 10, "presence", "votes", min_length=0, box=True),
    patch_size=(8, 12),
    num_patches=4,
    levels=(1.5, 1.0, 0.5, 0.1),
)
# 15 x 22, 10 x 15, 5 x 7 and 2 x 3 after the coarse stack's first convolution; 14 x 20, 9 x 13, 4 x 5 and 1 after both.
PYRAMID_COARSE = (15 * 22 + 10 * 15 + 5 * 7 + 2 * 3) * 4 * 4 * 3 + (14 * 20 + 9 * 13 + 4 * 5 + 1) * 2 * 3 * 3 * 5
PYRAMID_CELLS = 14 * 20 + 9 * 13 + 4 * 5 + 1
OUTPUTS = 3 + 11 + 11


def test_a_pyramid_costs_what_its_levels_do():
    cost = dcn_cost(PYRAMID)
    assert cost.coarse_stack == PYRAMID_COARSE
    assert cost.coarse_pass == cost.saliency == PYRAMID_CELLS * 5 * OUTPUTS
    assert cost.fine_stack == 4 * (8 * 12 * 9 * 6 + 1 * 4 * 6 * 6 * 7)
    assert cost.refined_pass == 4 * (7 * OUTPUTS + 7 * 4)  # a prediction and a box of each patch
    assert whole_multiplications(PYRAMID, "coarse") == PYRAMID_COARSE + PYRAMID_CELLS * 5 * OUTPUTS


def test_the_fine_model_of_a_pyramid_reads_every_level():
    # 60 x 90, 40 x 60, 20 x 30, 8 x 12; halved by the pooling, less 3 and 5 cells after the last convolution.
    pixels = 60 * 90 + 40 * 60 + 20 * 30 + 8 * 12
    cells = 27 * 40 + 17 * 25 + 7 * 10 + 1
    fine = pixels * 9 * 6 + cells * (4 * 6 * 6 * 7 + 7 * OUTPUTS)
    assert whole_multiplications(PYRAMID, "fine") == fine


def test_a_pyramid_at_another_image_size():
    """20 x 20: 30 x 30, 20 x 20, 10 x 10 padded to 10 x 12, and 2 x 2 padded to 8 x 12."""
    first, cells = 7 * 7 + 5 * 5 + 2 * 3 + 2 * 3, 6 * 5 + 4 * 3 + 1 + 1
    cost = dcn_cost(PYRAMID, num_patches=1, image_size=(20, 20))
    assert cost.coarse_stack == first * 4 * 4 * 3 + cells * 2 * 3 * 3 * 5
    assert cost.coarse_pass == cells * 5 * OUTPUTS


def test_a_pyramid_on_the_device_and_its_weights():
    assert device_cost(PYRAMID, 4, 4) == dcn_cost(PYRAMID)
    assert device_cost(PYRAMID, 0, 0).total == PYRAMID_COARSE + 2 * PYRAMID_CELLS * 5 * OUTPUTS
    weights = model_weights(PYRAMID)
    assert weights["top"] == (5 + 1) * OUTPUTS + (7 + 1) * OUTPUTS + (7 + 1) * 4
    model = DynamicCapacityNetwork(PYRAMID)
    model.build()
    tops = [model.coarse_top, model.fine_top]
    assert weights["top"] == sum(int(np.prod(w.shape)) for top in tops for w in top.weights)
