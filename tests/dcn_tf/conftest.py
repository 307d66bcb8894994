"""Small networks that run in milliseconds, with weights and statistics that no test could mistake for defaults."""

import numpy as np
import pytest

from dcn_tf.architecture import Architecture, ClassifierTopSpec, Conv, MaxPool, SequenceTopSpec


@pytest.fixture
def classifier_architecture():
    """19 x 23 pixels of two channels, 4 x 5 cells of field 7 x 7 and stride 4 x 4, patches of 10 x 9."""
    return Architecture(
        name="tiny_classifier",
        image_size=(19, 23),
        channels=2,
        coarse=(Conv(4, 3, strides=2), Conv(5, 3, strides=2)),
        fine=(Conv(4, 3, padding="same"), MaxPool(2), Conv(6, 3, padding=(1, 0)), Conv(5, (5, 2), activation=None)),
        top=ClassifierTopSpec(Conv(7, (2, 3), strides=(1, 2)), classes=4),
        patch_size=(10, 9),
        num_patches=3,
    )


@pytest.fixture
def sequence_architecture():
    """16 x 20 pixels, 3 x 4 cells of field 8 x 8 and stride 4 x 4; numbers of up to three symbols of four."""
    return Architecture(
        name="tiny_sequence",
        image_size=(16, 20),
        train_size=(8, 8),
        channels=1,
        coarse=(Conv(6, 4, strides=4), Conv(5, 2, dropout=0.5)),
        fine=(Conv(4, 3, padding="same"), MaxPool(2), Conv(7, 4, dropout=0.5)),
        top=SequenceTopSpec(max_length=3, symbols=4),
        patch_size=(8, 8),
        num_patches=2,
    )


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def randomise(rng):
    """Returns a function that fills all weights of a Keras object, moving statistics too, with random values."""

    def fill(keras_object):
        for weight in keras_object.weights:
            positive = weight.name in ("gamma", "moving_variance")
            values = rng.uniform(0.5, 1.5, weight.shape) if positive else rng.normal(0, 0.5, weight.shape)
            weight.assign(values.astype(np.float32))
        return keras_object

    return fill
