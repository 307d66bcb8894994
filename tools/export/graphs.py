"""Takes a trained network apart into four graphs, and a file with the weights of the saliency."""

import functools
import io

import numpy as np
import tensorflow as tf

from edge.bundle import SALIENCY_FILE
from edge.network.patches import laid_out_shape
from tools.export.any_size import reads_any_size
from tools.export.layers import in_turn
from tools.export.relayout import relayout
from tools.export.tops import top_of


class Graph(tf.Module):
    """One function of a network with one input and named outputs, ready to be converted.

    Args:
        clone: a `tools.export.clone.Clone`; its weights are saved along.
        function: input -> {name: output}.
    """

    def __init__(self, clone, name: str, input_name: str, input_shape, function):
        super().__init__(name=name)
        self.weights = clone.all_variables
        self.input_name = input_name
        self.input_shape = tuple(input_shape)

        def scoped(values):
            with tf.name_scope(name):  # private layers have names that no graph accepts at its root
                return function(values)

        signature = tf.TensorSpec(self.input_shape, tf.float32, name=input_name)
        self.function = tf.function(scoped, input_signature=[signature], autograph=False)


def graphs(clone, num_patches: int) -> dict[str, Graph]:
    """Returns the graphs of a network by name, for one image and `num_patches` patches.

    | graph | of classifiers | of sequences |
    |---|---|---|
    | coarse | image -> `coarse_features`, `activation_map` | image -> `cell_logits` |
    | fine | patches -> `fine_features` | the same |
    | top | windows -> `activations` | fine vectors -> `cell_logits`, and `boxes` where they are told |
    | whole_fine | image -> `logits` | image -> `cell_logits` |

    The activation map is the output of the top's convolution, without its ReLU. A window is the part of the refined map
    under one position of that convolution. The top gets those windows alone that hold a patch's cell: the others give
    what they gave before.
    """
    architecture, layout = clone.architecture, layouts(clone.architecture, clone.laid_out)

    def pixels(name, count):
        shape = (*_size(architecture, name), architecture.channels)
        return (count, *laid_out_shape(layout[name], shape))

    inputs = {
        "coarse": ("image", pixels("coarse", 1)),
        "fine": ("patches", pixels("fine", num_patches)),
        "top": top_of(architecture).top_input(architecture, num_patches),
        "whole_fine": ("image", pixels("whole_fine", 1)),
    }
    functions = {"coarse": coarse_outputs, "fine": fine_outputs, "top": top_outputs, "whole_fine": whole_fine_outputs}
    return {name: Graph(clone, name, *inputs[name], functools.partial(functions[name], clone)) for name in inputs}


def layouts(architecture, laid_out: bool = True) -> dict[str, dict | None]:
    """Returns how each model's pixels are laid out, see `tools.export.relayout`; None: not at all."""
    stacks = {"coarse": architecture.coarse, "fine": architecture.fine, "whole_fine": architecture.fine}
    found = {}
    for name, stack in stacks.items():
        size = _size(architecture, name)
        any_size = name != "fine" and reads_any_size(architecture)
        first = relayout(stack, (*size, architecture.channels), any_size) if laid_out else None
        found[name] = first.to_dict(size) if first else None
    return found


def _size(architecture, name):
    return architecture.patch_size if name == "fine" else architecture.image_size


def coarse_outputs(clone, images) -> dict:
    """Returns what the device needs of the coarse pass: [B, H, W, C] -> maps of vectors and of what the top sees."""
    return clone.coarse_top.coarse_outputs(clone.coarse(images))


def fine_outputs(clone, patches) -> dict:
    """Returns the fine vectors of patches: [k, p, p, C] -> [k, D]. No shape in it holds k, which may change."""
    return {"fine_features": clone.fine.average(in_turn(clone.fine.layers, patches))}


def top_outputs(clone, inputs) -> dict:
    """Returns what the top makes of windows, [n, kh, kw, D], or of single vectors, [k, D]."""
    return clone.fine_top.outputs(inputs)


def whole_fine_outputs(clone, images) -> dict:
    """Returns the answer of the fine model: [B, H, W, C] -> logits, or for sequences those of every cell."""
    return {clone.fine_top.WHOLE_OUTPUT: clone.whole(images)}


def saliency_file(architecture, weights: dict) -> dict[str, bytes]:
    """Returns the saliency's weights as a file of a bundle; arguments and errors as of its top's `saliency_weights`."""
    buffer = io.BytesIO()
    np.savez(buffer, **top_of(architecture).saliency_weights(architecture, weights))
    return {SALIENCY_FILE: buffer.getvalue()}
