"""Layers of tf_keras with given weights, in float or with the rounding of int8 in them.

tensorflow-model-optimization takes tf_keras layers alone. With the imports in this order, Keras stays Keras 3.
"""

# isort: off
import tensorflow as tf
import keras  # noqa: F401
import tf_keras
import tensorflow_model_optimization as tfmot
# isort: on

from dcn_tf.architecture import DepthwiseConv, IntegrateAndFire, MaxPool, Residual, explicit_padding
from dcn_tf.counting import symbols_of
from edge.errors import UserError
from tools.export.relayout import relayout

ACTIVATIONS = ("relu", "linear", None)


def in_turn(layers, values, see=None):
    """Returns what the layers make of `values`, one after the other; `see(name, values)` is called after each."""
    for layer in layers:
        values = layer(values, see) if isinstance(layer, ResidualClone) else layer(values)
        if see is not None:
            see(layer.name, values)
    return values


class ResidualClone:
    """Layers whose output is added to their input; the layer `addition` adds the two maps, and rounds."""

    def __init__(self, layers, addition):
        self.name = addition.name
        self.layers, self.addition = layers, addition

    def __call__(self, values, see=None):
        return self.addition([values, in_turn(self.layers, values, see)])


class LayerBuilder:
    """Makes tf_keras layers with given weights, and rounding where there are ranges.

    Attributes:
        pairs: name -> (kernel, bias) of what was made.
    """

    def __init__(self, weights: dict, ranges: dict | None, laid_out: bool):
        self.weights = weights
        self.ranges = ranges
        self.laid_out = laid_out
        self.pairs = {}
        tf_keras.backend.set_floatx("float32")  # whatever the user's keras.json says
        tf_keras.backend.set_image_data_format("channels_last")

    def entrance(self, name):
        """Returns the layer that rounds what comes in, in a list."""
        return [self._ranged(tf_keras.layers.Activation("linear", name=f"{name}/input"))]

    def average(self, name, map_size):
        """Returns the layer that makes a vector of the map of a patch: its mean."""
        if map_size == (1, 1):
            return self._ranged(tf_keras.layers.Lambda(lambda maps: tf.reshape(maps, [-1, maps.shape[-1]]), name=name))
        return self._ranged(tf_keras.layers.GlobalAveragePooling2D(name=name))

    def pair(self, name):
        """Returns two variables that belong to no layer."""
        self.pairs[name] = tuple(tf.Variable(values, name=name) for values in self.weights[name])
        return self.pairs[name]

    def dense(self, name):
        """Returns a dense layer."""
        kernel, _ = self.weights[name]
        return self._weighted(tf_keras.layers.Dense(kernel.shape[1], name=name), (None, kernel.shape[0]))

    def stack(self, name, descriptions, input_shape, any_size=False):
        """Returns the layers of a stack over images, or patches, of a shape, or also of every other size."""
        layers = self.entrance(name)
        first = relayout(descriptions, input_shape, any_size) if self.laid_out else None
        if first:
            layers += self._laid_out_convolution(f"{name}/0", first, input_shape[:2])
        non_negative = True  # so are pixels
        for i, description in enumerate(descriptions):
            if isinstance(description, MaxPool):
                layers += _pool(description, non_negative)
                continue
            non_negative = description.activation == "relu"
            if isinstance(description, IntegrateAndFire):
                layers.append(self._counted(f"{name}/{i}", description, any_size, last=i == len(descriptions) - 1))
            elif isinstance(description, Residual):
                layers.append(self._residual(f"{name}/{i}", description))
            elif i or not first:
                layers += self.convolution(f"{name}/{i}", description)
        return layers

    def _counted(self, name, description, any_size: bool, last: bool):
        if not last or name.startswith("coarse/"):
            raise UserError(
                f"a bundle's networks count symbols in the last layer of the fine stack, received it as layer {name}; "
                "train such a network"
            )
        counted = tf_keras.layers.Lambda(lambda row: symbols_of(description, row, any_size), name=name)
        return self._ranged(counted)  # a list of cells: no size of a map in it

    def _residual(self, name, description):
        _check_activation(description)
        inner = [self.convolution(f"{name}/{i}", layer) for i, layer in enumerate(description.layers)]
        activation = tf_keras.activations.get(description.activation)
        addition = tf_keras.layers.Lambda(lambda pair: activation(pair[0] + pair[1]), name=name)
        return ResidualClone([layer for layers in inner for layer in layers], self._ranged(addition))

    def convolution(self, name, description):
        """Returns the layers of a convolution, depthwise or not, padding included."""
        same = description.strides == (1, 1) and description.padding == explicit_padding("same", description.kernel)
        if same:
            return [self._convolution(name, description, "same")]
        return [*zero_padding(description), self.valid_convolution(name, description)]

    def valid_convolution(self, name, description):
        """Returns a convolution without its padding."""
        return self._convolution(name, description, "valid")

    def _convolution(self, name, description, padding):
        kernel, _ = self.weights[name]
        _check_activation(description)
        if isinstance(description, DepthwiseConv):
            layer = tf_keras.layers.DepthwiseConv2D(
                description.kernel, description.strides, padding, activation=description.activation, name=name
            )
            return self._weighted(layer, (None, None, None, kernel.shape[2]))
        layer = tf_keras.layers.Conv2D(
            description.filters,
            description.kernel,
            description.strides,
            padding,
            activation=description.activation,
            name=name,
        )
        return self._weighted(layer, (None, None, None, kernel.shape[2]))

    def _laid_out_convolution(self, name, first, size):
        """Returns the layers of a stack's first convolution, from pixels that are laid out to a map as usual."""
        conv = first.conv
        _check_activation(conv)
        kernel, bias = self.weights[name]
        kernel, bias = first.kernel(kernel), first.bias(bias)
        *_, channels, filters = kernel.shape
        layer = tf_keras.layers.Conv2D(filters, 1, activation=conv.activation, name=name)
        convolution = self._weighted(layer, (None, None, None, channels), (kernel, bias))
        if first.places == 1:
            return [convolution]
        shape = (-1, *first.map_size(size), conv.filters)
        return [convolution, tf_keras.layers.Lambda(lambda maps: tf.reshape(maps, shape))]

    def _weighted(self, layer, input_shape, weights=None):
        layer.build(input_shape)
        layer.set_weights(self.weights[layer.name] if weights is None else weights)
        self.pairs[layer.name] = (getattr(layer, _kernel_of(layer)), layer.bias)  # rounding puts a tensor in its place
        return self._ranged(layer)

    def _ranged(self, layer):
        if self.ranges is None:
            return layer
        return tfmot.quantization.keras.QuantizeWrapperV2(layer, Int8(*self.ranges[layer.name]), name=layer.name)


def _check_activation(description):
    if description.activation not in ACTIVATIONS:
        raise UserError(
            f"a bundle's networks have the activations relu and linear, received {description.activation!r}; "
            "train such a network"
        )


def zero_padding(description) -> list:
    """Returns the layer that pads a map with zeros for a convolution, in a list; nothing where it needs none."""
    return [tf_keras.layers.ZeroPadding2D(description.padding)] if any(map(any, description.padding)) else []


def _pool(description, non_negative):
    padding = zero_padding(description)
    if padding and not non_negative:  # a padded zero would be the maximum
        raise UserError(
            "a bundle's networks have padded max pooling behind relu only, received it behind another activation; "
            "train such a network"
        )
    return [*padding, tf_keras.layers.MaxPooling2D(description.kernel, description.strides)]


DEPTHWISE = "depthwise_kernel"


def _kernel_of(layer) -> str:
    """Returns the name of a layer's kernel."""
    return DEPTHWISE if isinstance(layer, tf_keras.layers.DepthwiseConv2D) else "kernel"


class Int8(tfmot.quantization.keras.QuantizeConfig):
    """How TFLite rounds a layer: its weights symmetrically, its outputs to 256 steps of a range that stays as it is.

    Args:
        least, greatest: of the layer's outputs; the range holds 0.
    """

    def __init__(self, least: float, greatest: float):
        self.least, self.greatest = least, greatest

    def get_weights_and_quantizers(self, layer):
        name = _kernel_of(layer)
        return [(getattr(layer, name), SymmetricWeights(name == DEPTHWISE))] if hasattr(layer, name) else []

    def get_activations_and_quantizers(self, layer):
        return []  # an activation is part of its convolution: the outputs alone are rounded

    def set_quantize_weights(self, layer, quantize_weights):
        for kernel in quantize_weights:
            setattr(layer, _kernel_of(layer), kernel)

    def set_quantize_activations(self, layer, quantize_activations):
        pass

    def get_output_quantizers(self, layer):
        quantizers = tfmot.quantization.keras.quantizers
        return [quantizers.FixedQuantizer(8, self.least, self.greatest, narrow_range=False)]

    def get_config(self):
        return {"least": self.least, "greatest": self.greatest}


class SymmetricWeights(tfmot.quantization.keras.quantizers.Quantizer):
    """-127 to 127 steps: of the greatest weight of each filter of a convolution, or of all weights of a dense layer."""

    def __init__(self, depthwise: bool = False):
        self.depthwise = depthwise

    def build(self, tensor_shape, name, layer):
        return {}

    def __call__(self, inputs, training, weights, **kwargs):
        if self.depthwise:
            filters = tf.transpose(inputs, (0, 1, 3, 2))  # [kh, kw, 1, C]
            return tf.transpose(self._rounded(filters), (0, 1, 3, 2))
        return self._rounded(inputs)

    def _rounded(self, inputs):
        axes = tf.range(3) if inputs.shape.rank == 4 else None
        limit = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(inputs), axis=axes), 1e-6))
        if axes is None:
            return tf.quantization.fake_quant_with_min_max_vars(inputs, -limit, limit, narrow_range=True)
        return tf.quantization.fake_quant_with_min_max_vars_per_channel(inputs, -limit, limit, narrow_range=True)

    def get_config(self):
        return {"depthwise": self.depthwise}
