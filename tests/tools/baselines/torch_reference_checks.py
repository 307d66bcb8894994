"""What `test_torch_reference` runs in a process of its own."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import torch

from dcn_tf.architecture import Conv
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.presets import preset
from tools.baselines import torch_reference
from train import optimizers, steps

HINT_WEIGHT = 0.3


@pytest.fixture
def models():
    """Returns the Cluttered MNIST networks of both frameworks with the same weights, none of them a default."""
    rng = np.random.default_rng(0)
    ours = DynamicCapacityNetwork(preset("cluttered_mnist"))
    ours.build()
    for weight in ours.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.name in ("beta", "bias", "moving_mean"):
            weight.assign(rng.normal(0, 0.1, weight.shape))
    theirs = torch_reference.TorchDynamicCapacityNetwork(ours.architecture)
    torch_reference.load_keras_weights(theirs, ours)
    return ours, theirs


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    images = rng.random((6, 100, 100, 1), dtype=np.float32)
    return images, rng.integers(10, size=(6, 1)).astype(np.int32)


def their_images(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def kernels(ours, theirs):
    """Returns (Keras variable, PyTorch parameter in Keras' order of axes) of all weights that both frameworks train."""
    pairs = []
    for modules, blocks in (
        (theirs.coarse, ours.coarse.blocks),
        (theirs.fine, ours.fine.blocks),
        ([theirs.top.block], [ours.coarse_top.block]),
    ):
        for module, block in zip(modules, blocks):
            if isinstance(module, torch_reference.ConvBlock):
                pairs.append((block.convolution.kernel, module.convolution.weight, (2, 3, 1, 0)))
                pairs.append((block.normalization.gamma, module.normalization.weight, (0,)))
                pairs.append((block.normalization.beta, module.normalization.bias, (0,)))
    pairs.append((ours.coarse_top.dense.kernel, theirs.top.dense.weight, (1, 0)))
    pairs.append((ours.coarse_top.dense.bias, theirs.top.dense.bias, (0,)))
    return pairs


def test_a_training_pass_gives_the_same_outputs_losses_and_gradients(models, batch, config):
    ours, theirs = models
    images, labels = batch
    run = config(preset="cluttered_mnist", hint_weight=HINT_WEIGHT)
    pairs = kernels(ours, theirs)
    assert len(pairs) == len(ours.trainable_variables)
    with tf.GradientTape() as tape:
        terms = steps.end_to_end_losses(ours, tf.constant(images), tf.constant(labels), run)
        loss = tf.add_n([weight * value for weight, value in terms.values()])
    expected = tape.gradient(loss, [variable.value for variable, _, _ in pairs])
    outputs = theirs(their_images(images))
    losses = torch_reference.losses(outputs, torch.from_numpy(labels)[:, 0].long())
    for name, value in losses.items():
        np.testing.assert_allclose(value.item(), terms[name][1], rtol=1e-4)
    (losses["refined"] + HINT_WEIGHT * losses["hint"]).backward()
    for (variable, parameter, axes), gradient in zip(pairs, expected):
        gradient = gradient.numpy()
        got = parameter.grad.permute(axes).numpy()
        np.testing.assert_allclose(got, gradient, rtol=1e-3, atol=1e-4 * np.abs(gradient).max(), err_msg=variable.path)


@pytest.mark.parametrize("training", [True, False])
def test_outputs_are_the_same(training, models, batch):
    ours, theirs = models
    expected = ours(batch[0], training=training)
    outputs = {name: value.detach() for name, value in theirs.train(training)(their_images(batch[0])).items()}
    cells = np.asarray(expected["cells"])
    np.testing.assert_array_equal(outputs["cells"], cells[..., 0] * 23 + cells[..., 1])
    maps = {"coarse_features": outputs["coarse_features"].permute(0, 2, 3, 1)}
    for name, value in (outputs | maps).items():
        if name != "cells":
            np.testing.assert_allclose(value, expected[name], rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_step_moves_weights_as_ours_does(models, batch, config):
    """The first step of AdamW moves every weight by the learning rate, against the gradient's sign, and decays it."""
    ours, theirs = models
    run = config(preset="cluttered_mnist", hint_weight=HINT_WEIGHT, schedule="constant", optimizer="adamw")
    run = dataclasses.replace(run, learning_rate=1e-3, weight_decay=5.0)
    images, labels = batch
    steps.TrainStep(ours, optimizers.make_optimizer(run), run)(tf.constant(images), tf.constant(labels))
    optimizer = torch_reference.make_optimizer(theirs, run.learning_rate, run.weight_decay)
    torch_reference.train_step(
        theirs, optimizer, their_images(images), torch.from_numpy(labels)[:, 0].long(), HINT_WEIGHT
    )
    for variable, parameter, axes in kernels(ours, theirs):
        gradient = np.abs(parameter.grad.permute(axes).numpy())
        settled = gradient > 1e-3 * gradient.max()  # one next to nothing has either sign
        moved = parameter.detach().permute(axes).numpy()
        assert settled.mean() > 0.5
        np.testing.assert_allclose(moved[settled], variable.numpy()[settled], atol=1e-4, err_msg=variable.path)


def test_what_the_reference_does_not_have_is_refused():
    with pytest.raises(ValueError, match="no dropout"):
        torch_reference.ConvBlock(1, Conv(4, 3, dropout=0.5))
