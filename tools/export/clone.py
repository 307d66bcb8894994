"""The network once more in tf_keras, without batch normalisation, in float or with the rounding of int8 in it."""

import tensorflow as tf

from dcn_tf.geometry import output_size
from dcn_tf.stages import Stages
from tools.export.any_size import reads_any_size
from tools.export.layers import LayerBuilder, in_turn
from tools.export.tops import top_of


class Clone(Stages):
    """A network's parts in tf_keras, under the names that they have in the network, and called as they are there.

    Args:
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
        build = LayerBuilder(weights, ranges, laid_out)
        self.coarse = StackClone(build.stack("coarse", architecture.coarse, image, any_size))
        vector = build.average("fine/vector", output_size(architecture.fine, patch[:2]))
        self.fine = FineClone(build.stack("fine", architecture.fine, patch), vector)
        self.coarse_top, self.fine_top = top_of(architecture).both(build, network)
        self.pairs = build.pairs
        whole = LayerBuilder(_whole_weights(weights, architecture), ranges, laid_out)
        self.whole_fine = whole.stack("whole_fine", architecture.fine, image, any_size)
        self.whole_fine += top_of(architecture).whole_layers(whole, architecture)
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
    return named | top_of(architecture).whole_weights(weights)


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
