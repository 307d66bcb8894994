"""The Keras layer of a `KerasLayer`, which has to be what its description declares."""

import inspect
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dcn_tf import geometry
from dcn_tf.declared import KerasLayer

TOLERANCE = 1e-4  # of the largest output: sums in another order


def shape_after(layers, input_shape):
    """Returns (batch, height, width) after some layers; unknown sizes stay unknown."""
    batch, height, width = input_shape[:3]
    if height is None or width is None:
        return batch, None, None
    return batch, *geometry.output_size(layers, (height, width))


class DeclaredLayer(keras.layers.Layer):
    """A layer of Keras within a stack, as one `KerasLayer` says.

    Raises:
        ValueError: there is no such layer, it does not take its arguments, or, in `build`, it is not what is declared.
    """

    def __init__(self, layer: KerasLayer, **kwargs):
        super().__init__(**kwargs)
        self.spec = layer
        self.inner = _made(layer, self.dtype_policy)
        self.trains = "training" in inspect.signature(self.inner.call).parameters

    def build(self, input_shape):
        self.inner.build(input_shape)
        with tf.init_scope():
            check_declared(self.inner, self.spec, input_shape[-1])

    def call(self, inputs, training=False):
        return self.inner(inputs, training=training) if self.trains else self.inner(inputs)

    def compute_output_shape(self, input_shape):
        return (*shape_after((self.spec,), input_shape), self.spec.channels_out(input_shape[-1]))


def _made(layer: KerasLayer, policy):
    found = keras.saving.get_registered_object(layer.layer) or getattr(keras.layers, layer.layer, None)
    if not inspect.isclass(found) or not issubclass(found, keras.layers.Layer) or found is keras.layers.Lambda:
        raise ValueError(
            f"there is no Keras layer {layer.layer!r} that a file may name; register one of your own with "
            "keras.saving.register_keras_serializable, and import it first"
        )
    kind: Any = found
    config = {"dtype": policy} | layer.config
    if "data_format" in inspect.signature(found.__init__).parameters:
        config = {"data_format": "channels_last"} | config
    try:
        return kind.from_config(config)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ValueError(f"the Keras layer {layer.layer} does not take its config: {reason}") from None


def check_declared(inner, layer: KerasLayer, channels: int):
    """Raises ValueError where a built layer is not what is declared: its size, its window, its channels, its weights.

    One map is given twice, with other values outside of the window of one place: what stands there must stay.
    """
    size = [n + 3 * t for n, t in zip(geometry.smallest_input((layer,)), layer.strides)]
    height, width = geometry.output_size((layer,), size)
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(2, 1, *size, channels)).astype(np.float32)
    declared = (1, height, width, layer.channels_out(channels))
    first = _of(inner, maps[0])
    if first.shape != declared:
        raise _wrong(layer, f"gives {declared} of {maps[0].shape}", f"gives {first.shape}")
    count = sum(math.prod(weight.shape) for weight in inner.weights)
    if count != layer.place_weights:
        raise _wrong(layer, f"has {layer.place_weights} place_weights", f"has {count}")
    for cell in ((0, 0), (height // 2, width // 2), (height - 1, width - 1)):
        starts = [c * t - p[0] for c, t, p in zip(cell, layer.strides, layer.padding)]
        rows, columns = (slice(max(0, start), start + k) for start, k in zip(starts, layer.kernel))
        other = maps[1].copy()
        other[:, rows, columns] = maps[0][:, rows, columns]
        change = np.abs(_of(inner, other)[0][cell] - first[0][cell]).max()
        if not change <= TOLERANCE * np.abs(first).max():
            raise _wrong(layer, f"sees {layer.kernel} of the map at a place", "sees more")


def _of(inner, values) -> np.ndarray:
    return np.asarray(tf.cast(inner(tf.constant(values)), tf.float32))


def _wrong(layer: KerasLayer, declared: str, found: str) -> ValueError:
    return ValueError(f"the Keras layer {layer.layer} is declared as one that {declared}, and it {found}; correct that")
