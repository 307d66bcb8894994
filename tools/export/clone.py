"""The network once more in tf_keras, without batch normalisation, in float or with the rounding of int8 in it.

tensorflow-model-optimization takes tf_keras layers alone. With the imports in this order, Keras stays Keras 3.
"""

# isort: off
import tensorflow as tf
import keras  # noqa: F401
import tf_keras
import tensorflow_model_optimization as tfmot
# isort: on

import dataclasses

from dcn_tf.architecture import CLASSIFICATION, Conv, explicit_padding
from dcn_tf.geometry import output_size
from dcn_tf.stages import Stages
from edge.errors import UserError
from tools.export.any_size import reads_any_size
from tools.export.folding import refined_convolution
from tools.export.relayout import relayout

ACTIVATIONS = ("relu", "linear", None)


class Clone(Stages):
    """A network's parts in tf_keras, under the names that they have in the network, and called as they are there.

    Args:
        network: the `DynamicCapacityNetwork` that it follows.
        weights: layer name -> (kernel, bias), see `tools.export.folding.folded_weights`.
        ranges: layer name -> (least, greatest) output. Where they are given, weights and outputs are rounded to values
            that int8 has, with gradients as if they were not.
        laid_out: whether first convolutions take pixels that are laid out for them, see `tools.export.relayout`.

    Attributes:
        whole_fine: the fine model over the whole image, a list of layers; it has weights of its own.

    Call arguments:
        images, num_patches, cells: as a `DynamicCapacityNetwork` takes them; it returns what that does.

    Raises:
        UserError: the network has a layer whose rounding is not known to be that of TFLite.
    """

    def __init__(self, network, weights: dict, ranges: dict | None = None, laid_out: bool = False):
        self.architecture = architecture = network.architecture
        self.patch_grid, self.laid_out = network.patch_grid, laid_out
        image, patch = ((*size, architecture.channels) for size in (architecture.image_size, architecture.patch_size))
        any_size = reads_any_size(architecture)
        build = _Builder(weights, ranges, laid_out)
        self.coarse = StackClone(build.stack("coarse", architecture.coarse, image, any_size))
        vector = build.average("fine/vector", output_size(architecture.fine, patch[:2]))
        self.fine = FineClone(build.stack("fine", architecture.fine, patch), vector)
        if architecture.task == CLASSIFICATION:
            self.coarse_top = self.fine_top = ClassifierTopClone(build, network.coarse_top)
        else:
            self.coarse_top = SequenceTopClone(build, "coarse_top", network.coarse_top)
            self.fine_top = SequenceTopClone(build, "fine_top", network.fine_top)
        self.pairs = build.pairs
        whole = _Builder(_whole_weights(weights, architecture), ranges, laid_out)
        self.whole_fine = whole.stack("whole_fine", architecture.fine, image, any_size)
        if architecture.task == CLASSIFICATION:
            convolution = whole.convolution("whole_fine/conv", architecture.top.conv)
            self.whole_fine += [*convolution, tf_keras.layers.GlobalMaxPooling2D()]
        self.whole_fine.append(whole.dense("whole_fine/logits"))
        self.all_variables = [*self.variables, *(variable for pair in whole.pairs.values() for variable in pair)]

    def __call__(self, images, training=False, num_patches=None, cells=None) -> dict:
        return self.call(images, training, num_patches, cells)

    def whole(self, images):
        """Returns the logits of the whole fine model: of the image, or for sequences of every cell."""
        return in_turn(self.whole_fine, images)

    @property
    def variables(self) -> list:
        """All kernels and biases, but for those of the whole fine model."""
        return [variable for pair in self.pairs.values() for variable in pair]

    def weights(self) -> dict[str, tuple]:
        """Returns layer name -> (kernel, bias), as they are now."""
        return {name: tuple(variable.numpy() for variable in pair) for name, pair in self.pairs.items()}


def _whole_weights(weights, architecture):
    """Returns the weights of the whole fine model, by the names of its layers."""
    named = {
        name.replace("fine/", "whole_fine/", 1): pair for name, pair in weights.items() if name.startswith("fine/")
    }
    if architecture.task == CLASSIFICATION:
        return named | {"whole_fine/conv": refined_convolution(weights), "whole_fine/logits": weights["top/logits"]}
    return named | {"whole_fine/logits": weights["fine_top/logits"]}


class StackClone:
    """A stack over a map: [batch, height, width, channels] -> [batch, h, w, D]."""

    def __init__(self, layers: list):
        self.layers = layers

    def __call__(self, inputs, training=False):
        return in_turn(self.layers, inputs)


class FineClone(StackClone):
    """The fine stack, over images or over patches, [batch, k, p, p, C] -> [batch, k, D]."""

    def __init__(self, layers: list, average):
        super().__init__(layers)
        self.average = average

    def __call__(self, inputs, training=False):
        if inputs.shape.rank == 4:
            return super().__call__(inputs)
        shape = tf.shape(inputs)
        vectors = self.average(super().__call__(tf.reshape(inputs, [-1, *inputs.shape[2:]])))
        return tf.reshape(vectors, [shape[0], shape[1], vectors.shape[-1]])


class ClassifierTopClone:
    """Both passes of a classifier's top: [batch, h, w, D] -> logits [batch, classes].

    Its convolution is that of the coarse pass, without the ReLU. Global maxima are taken before what is the refined
    pass's own, which is a rise and a shift of every filter's outputs: the order does not matter to a maximum.
    """

    def __init__(self, build, top):
        conv = dataclasses.replace(top.spec.conv, activation=None)
        self.padding = _zero_padding(conv)
        self.entrance = build.entrance("top")
        self.convolution = build.valid_convolution("top/conv", conv)
        self.layers = [*self.entrance, *self.padding, self.convolution]
        self.refined = build.pair("top/refined")
        self.kernel, self.bias = build.pair("top/logits")
        self.entropy = top.entropy

    def __call__(self, features, training=False, coarse_pass=False):
        maxima = tf.reduce_max(in_turn(self.layers, features), axis=(1, 2))
        if not coarse_pass:
            scale, shift = self.refined
            maxima = maxima * scale + shift
        return tf.nn.relu(maxima) @ self.kernel + self.bias

    def of_windows(self, windows):
        """Returns the convolution's outputs for single windows: [n, kh, kw, D] -> [n, 1, 1, filters]."""
        return in_turn([*self.entrance, self.convolution], windows)


class SequenceTopClone:
    """The top of one stack of a network for sequences: [batch, ..., D] -> log-probabilities [batch, sum(heads)].

    Attributes:
        layers: from vectors to every cell's logits.
        box_layers: from vectors to every cell's box; None where no box is told.
    """

    def __init__(self, build, name: str, top):
        entrance = build.entrance(name)
        self.layers = [*entrance, build.dense(f"{name}/logits")]
        self.box_layers = None if top.box is None else [*entrance, build.dense(f"{name}/box")]
        self.pool = top.pool
        self.entropy = top.entropy

    def __call__(self, features, training=False, coarse_pass=False):
        return self.pool(self.cell_logits(features))

    def cell_logits(self, features):
        """Returns the logits of every cell's own prediction."""
        return in_turn(self.layers, features)

    def cell_boxes(self, features):
        """Returns where every cell sees its sequence, in parts of its patch: [..., D] -> [..., 4]."""
        return in_turn(self.box_layers, features)


def in_turn(layers, values):
    """Returns what the layers make of `values`, one after the other."""
    for layer in layers:
        values = layer(values)
    return values


class _Builder:
    """Makes tf_keras layers with given weights, and rounding where there are ranges."""

    def __init__(self, weights, ranges, laid_out):
        self.weights = weights
        self.ranges = ranges
        self.laid_out = laid_out
        self.pairs = {}

    def entrance(self, name):
        return [self._ranged(tf_keras.layers.Activation("linear", name=f"{name}/input"))]

    def average(self, name, map_size):
        if map_size == (1, 1):
            return self._ranged(tf_keras.layers.Lambda(lambda maps: tf.reshape(maps, [-1, maps.shape[-1]]), name=name))
        return self._ranged(tf_keras.layers.GlobalAveragePooling2D(name=name))

    def pair(self, name):
        """Returns two variables that belong to no layer."""
        self.pairs[name] = tuple(tf.Variable(values, name=name) for values in self.weights[name])
        return self.pairs[name]

    def dense(self, name):
        kernel, _ = self.weights[name]
        return self._weighted(tf_keras.layers.Dense(kernel.shape[1], name=name), (None, kernel.shape[0]))

    def stack(self, name, descriptions, input_shape, any_size=False):
        layers = self.entrance(name)
        first = relayout(descriptions, input_shape, any_size) if self.laid_out else None
        if first:
            layers += self._laid_out_convolution(f"{name}/0", first, input_shape[:2])
        non_negative = True  # so are pixels
        for i, description in enumerate(descriptions):
            if isinstance(description, Conv):
                non_negative = description.activation == "relu"
                if i or not first:
                    layers += self.convolution(f"{name}/{i}", description)
            else:
                layers += _pool(description, non_negative)
        return layers

    def convolution(self, name, description):
        same = description.strides == (1, 1) and description.padding == explicit_padding("same", description.kernel)
        if same:
            return [self._convolution(name, description, "same")]
        return [*_zero_padding(description), self.valid_convolution(name, description)]

    def valid_convolution(self, name, description):
        return self._convolution(name, description, "valid")

    def _convolution(self, name, description, padding):
        kernel, _ = self.weights[name]
        _check_activation(description)
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
        shape = (-1, *output_size((conv,), size), conv.filters)
        return [convolution, tf_keras.layers.Lambda(lambda maps: tf.reshape(maps, shape))]

    def _weighted(self, layer, input_shape, weights=None):
        layer.build(input_shape)
        layer.set_weights(self.weights[layer.name] if weights is None else weights)
        self.pairs[layer.name] = (layer.kernel, layer.bias)  # rounding puts a tensor in the kernel's place
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


def _zero_padding(description):
    return [tf_keras.layers.ZeroPadding2D(description.padding)] if any(map(any, description.padding)) else []


def _pool(description, non_negative):
    padding = _zero_padding(description)
    if padding and not non_negative:  # a padded zero would be the maximum
        raise UserError(
            "a bundle's networks have padded max pooling behind relu only, received it behind another activation; "
            "train such a network"
        )
    return [*padding, tf_keras.layers.MaxPooling2D(description.kernel, description.strides)]


class Int8(tfmot.quantization.keras.QuantizeConfig):
    """How TFLite rounds a layer: its weights symmetrically, its outputs to 256 steps of a range that stays as it is.

    Args:
        least, greatest: of the layer's outputs; the range holds 0.
    """

    def __init__(self, least: float, greatest: float):
        self.least, self.greatest = least, greatest

    def get_weights_and_quantizers(self, layer):
        return [(layer.kernel, SymmetricWeights())] if hasattr(layer, "kernel") else []

    def get_activations_and_quantizers(self, layer):
        return []  # an activation is part of its convolution: the outputs alone are rounded

    def set_quantize_weights(self, layer, quantize_weights):
        for kernel in quantize_weights:
            layer.kernel = kernel

    def set_quantize_activations(self, layer, quantize_activations):
        pass

    def get_output_quantizers(self, layer):
        quantizers = tfmot.quantization.keras.quantizers
        return [quantizers.FixedQuantizer(8, self.least, self.greatest, narrow_range=False)]

    def get_config(self):
        return {"least": self.least, "greatest": self.greatest}


class SymmetricWeights(tfmot.quantization.keras.quantizers.Quantizer):
    """-127 to 127 steps: of the greatest weight of each filter of a convolution, of all weights of a dense layer."""

    def build(self, tensor_shape, name, layer):
        return {}

    def __call__(self, inputs, training, weights, **kwargs):
        axes = tf.range(3) if inputs.shape.rank == 4 else None
        limit = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(inputs), axis=axes), 1e-6))
        if axes is None:
            return tf.quantization.fake_quant_with_min_max_vars(inputs, -limit, limit, narrow_range=True)
        return tf.quantization.fake_quant_with_min_max_vars_per_channel(inputs, -limit, limit, narrow_range=True)

    def get_config(self):
        return {}
