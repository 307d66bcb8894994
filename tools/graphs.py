"""What a trained network is taken apart into: four graphs, and the weights of the saliency's closed form."""

import io

import numpy as np
import tensorflow as tf

from dcn_tf.architecture import CLASSIFICATION, channels_of
from dcn_tf.geometry import output_size
from edge.bundle import SALIENCY_FILE
from edge.errors import UserError


class Graph(tf.Module):
    """One function of a network with one input and named outputs, ready to be converted.

    Args:
        network: a trained `DynamicCapacityNetwork` or a `tools.clone.Clone`; its weights are saved along.
        name: of the graph.
        input_name, input_shape: of its input, float32.
        function: input -> {name: output}.
    """

    def __init__(self, network, name: str, input_name: str, input_shape, function):
        super().__init__(name=name)
        self.weights = [v if isinstance(v, tf.Variable) else v.value for v in network.variables]
        self.input_name = input_name
        self.input_shape = tuple(input_shape)

        def scoped(values):
            with tf.name_scope(name):  # private layers have names that no graph accepts at its root
                return function(values)

        signature = tf.TensorSpec(self.input_shape, tf.float32, name=input_name)
        self.function = tf.function(scoped, input_signature=[signature], autograph=False)


def graphs(network, num_patches: int) -> dict[str, Graph]:
    """Returns the graphs 'coarse', 'fine', 'top' and 'whole_fine' of a network, batch 1 and `num_patches` patches."""
    architecture = network.architecture
    channels = architecture.channels
    image = ("image", (1, *architecture.image_size, channels))
    patches = ("patches", (num_patches, *architecture.patch_size, channels))
    return {
        "coarse": Graph(network, "coarse", *image, lambda images: coarse_outputs(network, images)),
        "fine": Graph(network, "fine", *patches, lambda patches: fine_outputs(network, patches)),
        "top": Graph(
            network, "top", *_top_input(architecture, num_patches), lambda refined: top_outputs(network, refined)
        ),
        "whole_fine": Graph(network, "whole_fine", *image, lambda images: top_outputs(network, network.fine(images))),
    }


def coarse_outputs(network, images) -> dict:
    """Returns what the device needs of the coarse pass: [B, H, W, C] -> coarse output, and what its saliency needs."""
    features = network.coarse(images)
    if network.architecture.task == CLASSIFICATION:
        activation_map = network.coarse_top.activation_map(features, coarse_pass=True)
        logits = network.coarse_top.classify(activation_map)
        return {"coarse_features": features, "activation_map": activation_map, "logits": logits}
    return {"cell_logits": network.coarse_top.cell_logits(features)}


def fine_outputs(network, patches) -> dict:
    """Returns the fine vectors of patches: [k, p, p, C] -> [k, D]. No shape in it holds k, which may change."""
    return {"fine_features": network.fine.average(network.fine(patches))}


def top_outputs(network, features) -> dict:
    """Returns the answer's logits of a map, or the logits of every vector's own prediction."""
    if network.architecture.task == CLASSIFICATION:
        return {"logits": network.fine_top(features)}
    return {"cell_logits": network.fine_top.cell_logits(features)}


def _top_input(architecture, num_patches):
    if architecture.task == CLASSIFICATION:
        map_size = output_size(architecture.coarse, architecture.image_size)
        return "refined", (1, *map_size, channels_of(architecture.coarse))
    return "fine_features", (num_patches, channels_of(architecture.fine))


def saliency_weights(architecture, weights: dict) -> dict[str, np.ndarray]:
    """Returns the arrays of `saliency.npz`: `dense`, and for classifiers `kernel`.

    Args:
        architecture: of the network.
        weights: layer name -> (kernel, bias), normalisation folded in, see `tools.folding.folded_weights`.

    Raises:
        UserError: the top's activation is not the ReLU that the closed form is written for.
    """
    dense, _ = weights["coarse_top/logits"]
    if architecture.task != CLASSIFICATION:
        return {"dense": dense}
    activation = architecture.top.conv.activation
    if activation != "relu":
        raise UserError(
            f"the saliency's closed form needs a top with activation 'relu', received {activation!r}; train such a top"
        )
    kernel, _ = weights["coarse_top/conv"]
    return {"kernel": kernel, "dense": dense}


def saliency_file(architecture, weights: dict) -> dict[str, bytes]:
    """Returns the saliency's weights as a file of a bundle, see `saliency_weights`."""
    buffer = io.BytesIO()
    np.savez(buffer, **saliency_weights(architecture, weights))
    return {SALIENCY_FILE: buffer.getvalue()}
