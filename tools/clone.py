"""The network once more in tf_keras, without batch normalisation, in float or with the rounding of int8 in it.

tensorflow-model-optimization takes tf_keras layers alone. With the imports in this order, Keras stays Keras 3.
"""

# isort: off
import tensorflow as tf
import keras  # noqa: F401
import tf_keras
import tensorflow_model_optimization as tfmot
# isort: on

from dcn_tf.architecture import CLASSIFICATION, Conv, explicit_padding
from dcn_tf.model import DynamicCapacityNetwork
from edge.errors import UserError

ACTIVATIONS = ("relu", "linear", None)


class Clone:
    """A network's parts in tf_keras, under the names that they have in the network, and called as they are there.

    Args:
        network: the `DynamicCapacityNetwork` that it follows.
        weights: layer name -> (kernel, bias), see `tools.folding.folded_weights`.
        ranges: layer name -> (least, greatest) output. Where they are given, weights and outputs are rounded to values
            that int8 has, with gradients as if they were not.

    Attributes:
        layers: layer name -> layer, the ones with a range. Those with weights are named as in `weights`.

    Call arguments:
        images, num_patches, cells: as a `DynamicCapacityNetwork` takes them; it returns what that does.

    Raises:
        UserError: the network has a layer whose rounding is not known to be that of TFLite.
    """

    __call__ = DynamicCapacityNetwork.call  # the same computation, over these parts
    glance = DynamicCapacityNetwork.glance
    look_closely = DynamicCapacityNetwork.look_closely
    answer = DynamicCapacityNetwork.answer

    def __init__(self, network, weights: dict, ranges: dict | None = None):
        self.architecture = architecture = network.architecture
        self.patch_grid = network.patch_grid
        build = _Builder(weights, ranges)
        self.coarse = StackClone(build.stack("coarse", architecture.coarse))
        self.fine = FineClone(build.stack("fine", architecture.fine), build.average("fine/vector"))
        top = ClassifierTopClone if architecture.task == CLASSIFICATION else SequenceTopClone
        self.coarse_top = top(build, "coarse_top", network.coarse_top)
        self.fine_top = top(build, "fine_top", network.fine_top)
        self.pairs = build.pairs

    @property
    def variables(self) -> list:
        """All kernels and biases."""
        return [variable for pair in self.pairs.values() for variable in pair]

    def weights(self) -> dict[str, tuple]:
        """Returns layer name -> (kernel, bias), as they are now."""
        return {name: tuple(variable.numpy() for variable in pair) for name, pair in self.pairs.items()}


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
    """One pass of a classifier's top: [batch, h, w, D] -> logits [batch, classes]."""

    def __init__(self, build, name: str, top):
        self.convolution = build.entrance(name) + build.convolution(f"{name}/conv", top.spec.conv)
        self.classifier = [tf_keras.layers.GlobalMaxPooling2D(), build.dense(f"{name}/logits")]
        self.layers = self.convolution + self.classifier
        self.entropy = top.entropy

    def __call__(self, features, training=False, coarse_pass=False):
        return self.classify(self.activation_map(features))

    def activation_map(self, features, coarse_pass=False):
        """Returns what the global max pooling sees."""
        return in_turn(self.convolution, features)

    def classify(self, activation_map):
        """Returns the logits of an activation map."""
        return in_turn(self.classifier, activation_map)


class SequenceTopClone:
    """The top of one stack of a network for sequences: [batch, ..., D] -> log-probabilities [batch, sum(heads)]."""

    def __init__(self, build, name: str, top):
        self.layers = [*build.entrance(name), build.dense(f"{name}/logits")]
        self.pool = top.pool
        self.entropy = top.entropy

    def __call__(self, features, training=False, coarse_pass=False):
        return self.pool(self.cell_logits(features))

    def cell_logits(self, features):
        """Returns the logits of every cell's own prediction."""
        return in_turn(self.layers, features)


def in_turn(layers, values):
    """Returns what the layers make of `values`, one after the other."""
    for layer in layers:
        values = layer(values)
    return values


class _Builder:
    """Makes tf_keras layers with given weights, and rounding where there are ranges."""

    def __init__(self, weights, ranges):
        self.weights = weights
        self.ranges = ranges
        self.pairs = {}

    def entrance(self, name):
        return [self._ranged(tf_keras.layers.Activation("linear", name=f"{name}/input"))]

    def average(self, name):
        return self._ranged(tf_keras.layers.GlobalAveragePooling2D(name=name))

    def dense(self, name):
        kernel, _ = self.weights[name]
        return self._weighted(tf_keras.layers.Dense(kernel.shape[1], name=name), (None, kernel.shape[0]))

    def stack(self, name, descriptions):
        layers = self.entrance(name)
        non_negative = True  # so are pixels
        for i, description in enumerate(descriptions):
            if isinstance(description, Conv):
                layers += self.convolution(f"{name}/{i}", description)
                non_negative = description.activation == "relu"
            else:
                layers += _pool(description, non_negative)
        return layers

    def convolution(self, name, description):
        if description.activation not in ACTIVATIONS:
            raise UserError(
                "quantization-aware training knows the activations relu and linear, "
                f"received {description.activation!r}; use --method=ptq"
            )
        same = description.strides == (1, 1) and description.padding == explicit_padding("same", description.kernel)
        kernel, _ = self.weights[name]
        layer = tf_keras.layers.Conv2D(
            description.filters,
            description.kernel,
            description.strides,
            "same" if same else "valid",
            activation=description.activation,
            name=name,
        )
        padding = [] if same else _zero_padding(description)
        return [*padding, self._weighted(layer, (None, None, None, kernel.shape[2]))]

    def _weighted(self, layer, input_shape):
        layer.build(input_shape)
        layer.set_weights(self.weights[layer.name])
        self.pairs[layer.name] = (layer.kernel, layer.bias)  # rounding puts a tensor in the kernel's place
        return self._ranged(layer)

    def _ranged(self, layer):
        if self.ranges is None:
            return layer
        return tfmot.quantization.keras.QuantizeWrapperV2(layer, Int8(*self.ranges[layer.name]), name=layer.name)


def _zero_padding(description):
    return [tf_keras.layers.ZeroPadding2D(description.padding)] if any(map(any, description.padding)) else []


def _pool(description, non_negative):
    padding = _zero_padding(description)
    if padding and not non_negative:  # a padded zero would be the maximum
        raise UserError(
            "quantization-aware training knows padded max pooling behind relu only, received it behind another "
            "activation; use --method=ptq"
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
