"""Keras layers of single descriptions: what a stack is built of."""

import math

import keras
import tensorflow as tf

from dcn_tf import architecture as spec
from dcn_tf.counting import integrate_and_fire
from dcn_tf.declared_layer import DeclaredLayer, shape_after
from dcn_tf.normalization import BatchNormalization

if keras.config.backend() != "tensorflow":
    backend = keras.config.backend()
    raise ImportError(f"dcn_tf needs Keras on TensorFlow. Received: backend {backend}; set KERAS_BACKEND=tensorflow")

BATCH_NORMALIZATION = {"momentum": 0.9, "epsilon": 1e-3}


# The names of these classes stand in every .keras file: another name, and its weights are not found.


def block_of(layer, dtype, number: int | None = None):
    """Returns the Keras layer of a description; `number` is its place in a stack, None where it stands alone."""
    place = "" if number is None else f"_{number}"
    if isinstance(layer, spec.MaxPool):
        return _Pool(layer, dtype=dtype, name=f"pool{place}")
    if isinstance(layer, spec.IntegrateAndFire):
        return _IntegrateAndFire(layer, dtype=dtype, name=f"integrate_and_fire{place}")
    if isinstance(layer, spec.KerasLayer):
        return DeclaredLayer(layer, dtype=dtype, name=f"keras{place}")
    if isinstance(layer, spec.Residual):
        return _ResidualBlock(layer, dtype=dtype, name=f"residual{place}")
    return _ConvBlock(layer, dtype=dtype, name=f"conv{place}")


class _ConvBlock(keras.layers.Layer):
    """Padding, convolution, batch normalisation, activation and dropout, as one `Conv` or `DepthwiseConv` says."""

    def __init__(self, layer: spec.Conv | spec.DepthwiseConv, **kwargs):
        super().__init__(**kwargs)
        self.spec = layer
        same = spec.explicit_padding("same", layer.kernel)
        self.native_same = layer.strides == (1, 1) and layer.padding == same
        options = {
            "strides": layer.strides,
            "padding": "same" if self.native_same else "valid",
            "use_bias": not layer.batch_normalization,
            "data_format": "channels_last",  # whatever the user's keras.json says
            "dtype": self.dtype_policy,
            "name": "convolution",
        }
        if isinstance(layer, spec.DepthwiseConv):
            self.convolution = keras.layers.DepthwiseConv2D(
                layer.kernel, depthwise_initializer=_depthwise_initializer(layer.kernel), **options
            )
        else:
            self.convolution = keras.layers.Conv2D(
                layer.filters, layer.kernel, kernel_initializer="he_normal", **options
            )
        self.normalization = None
        if layer.batch_normalization:
            self.normalization = BatchNormalization(**BATCH_NORMALIZATION, name="normalization")
        self.activation = keras.activations.get(layer.activation)
        dropout = getattr(layer, "dropout", 0.0)
        self.dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy) if dropout else None

    def build(self, input_shape):
        self.convolution.build(input_shape)
        if self.normalization is not None:
            self.normalization.build(self.compute_output_shape(input_shape))

    def call(self, inputs, training=False, normalization=None):
        if not self.native_same and any(map(any, self.spec.padding)):
            inputs = tf.pad(inputs, [(0, 0), *self.spec.padding, (0, 0)])
        outputs = self.convolution(inputs)
        normalization = normalization or self.normalization
        if normalization is None:
            outputs = self.activation(outputs)
        else:
            outputs = normalization(outputs, training=training, activation=self.activation)
        return outputs if self.dropout is None else self.dropout(outputs, training=training)

    def compute_output_shape(self, input_shape):
        return (*shape_after((self.spec,), input_shape), self.spec.channels_out(input_shape[-1]))


def _depthwise_initializer(kernel):
    """Returns he_normal as one filter sees it: Keras counts all channels as inputs of a depthwise kernel."""
    return keras.initializers.TruncatedNormal(stddev=math.sqrt(2 / math.prod(kernel)) / 0.8796)


class Blocks(keras.layers.Layer):
    """The layers of several descriptions, one after the other.

    Attributes:
        blocks: the layers.
        layers: the same, under the name that Keras looks for.
    """

    def __init__(self, descriptions, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [block_of(layer, self.dtype_policy, i) for i, layer in enumerate(descriptions)]

    @property
    def layers(self):
        return self.blocks

    def build(self, input_shape):
        for block in self.blocks:
            block.build(input_shape)
            input_shape = block.compute_output_shape(input_shape)

    def part(self, inputs, first: int = 0, last: int | None = None, training=False):
        """Returns what the layers from `first` to before `last` make of a map: [batch, h, w, C] -> [batch, h', w', D].

        Two parts one after the other are the whole: what is between them can be looked at.
        """
        for block in self.blocks[first:last]:
            inputs = block(inputs, training=training)
        return inputs


class _ResidualBlock(Blocks):
    """Convolutions whose output is added to their input, and an activation, as one `Residual` says."""

    def __init__(self, layer: spec.Residual, **kwargs):
        super().__init__(layer.layers, **kwargs)
        self.spec = layer
        self.activation = keras.activations.get(layer.activation)

    def call(self, inputs, training=False):
        return self.activation(inputs + self.part(inputs, training=training))

    def compute_output_shape(self, input_shape):
        return input_shape


class _Pool(keras.layers.Layer):
    """Max pooling as one `MaxPool` says. Padding repeats the border: the same maximum as over existing pixels alone."""

    def __init__(self, layer: spec.MaxPool, **kwargs):
        super().__init__(**kwargs)
        self.spec = layer

    def call(self, inputs, training=False):
        for axis, (before, after) in zip((1, 2), self.spec.padding):
            if before or after:
                size = tf.shape(inputs)[axis]
                inputs = tf.gather(inputs, tf.clip_by_value(tf.range(-before, size + after), 0, size - 1), axis=axis)
        return tf.nn.max_pool2d(inputs, self.spec.kernel, self.spec.strides, "VALID", "NHWC")

    def compute_output_shape(self, input_shape):
        return (*shape_after((self.spec,), input_shape), input_shape[-1])


class _IntegrateAndFire(keras.layers.Layer):
    """The symbols of a row, counted from the left, as one `IntegrateAndFire` says."""

    def __init__(self, layer: spec.IntegrateAndFire, **kwargs):
        super().__init__(**kwargs)
        self.spec = layer

    def call(self, inputs, training=False):
        return tf.cast(integrate_and_fire(self.spec, inputs), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*shape_after((self.spec,), input_shape), self.spec.filters)
