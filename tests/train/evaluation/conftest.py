import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.losses import decode
from dcn_tf.model import DynamicCapacityNetwork
from train.data.dataset import Split


@pytest.fixture
def network(config):
    """Returns a function: preset -> untrained network."""

    def make(preset):
        tf.keras.utils.set_random_seed(0)
        model = DynamicCapacityNetwork(config(preset=preset).architecture)
        model.build()
        return model

    return make


@pytest.fixture
def split_of():
    """Returns a function: sizes of images, heads -> random split."""
    rng = np.random.default_rng(0)

    def make(sizes, heads):
        images = [rng.integers(256, size=(*size, 1), dtype=np.uint8) for size in sizes]
        labels = np.stack([rng.integers(head, size=len(sizes)) for head in heads], axis=1).astype(np.int32)
        boxes = np.tile(np.array([[2, 3, 10, 9]], np.float32), (len(sizes), 1))
        return Split(images, labels, boxes)

    return make


@pytest.fixture
def predictions():
    """Returns a function: logits, heads -> predicted categories."""
    return lambda logits, heads: decode(tf.constant(logits), heads).numpy()
