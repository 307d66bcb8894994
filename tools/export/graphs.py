"""Takes a trained network apart into four graphs and the weights of the saliency's closed form."""

import functools
import io
import math

import numpy as np
import tensorflow as tf

from dcn_tf.architecture import CLASSIFICATION, channels_of
from dcn_tf.geometry import output_size
from edge.bundle import SALIENCY_FILE
from edge.errors import UserError
from edge.network.patches import laid_out_shape
from tools.export.any_size import reads_any_size
from tools.export.clone import in_turn
from tools.export.relayout import relayout


class Graph(tf.Module):
    """One function of a network with one input and named outputs, ready to be converted.

    Args:
        clone: a `tools.export.clone.Clone`; its weights are saved along.
        name: of the graph.
        input_name, input_shape: of its input, float32.
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
    """Returns the graphs 'coarse', 'fine', 'top' and 'whole_fine' of a network, batch 1 and `num_patches` patches.

    'coarse': images -> `coarse_features` and, for classifiers, the `activation_map` of the top's convolution without
    its ReLU; for sequences `cell_logits`. 'fine': patches -> `fine_features`. 'top': for classifiers the windows of the
    map that hold one of the patches' cells -> their part of the activation map; for sequences fine vectors ->
    `cell_logits`, and `boxes` where they are told. 'whole_fine': images -> `logits`, or `cell_logits`.

    Args:
        clone: a `tools.export.clone.Clone`.
        num_patches: k.
    """
    architecture, layout = clone.architecture, layouts(clone.architecture, clone.laid_out)

    def pixels(name, count):
        shape = (*_size(architecture, name), architecture.channels)
        return (count, *laid_out_shape(layout[name], shape))

    inputs = {
        "coarse": ("image", pixels("coarse", 1)),
        "fine": ("patches", pixels("fine", num_patches)),
        "top": _top_input(architecture, num_patches),
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
    features = clone.coarse(images)
    if clone.architecture.task == CLASSIFICATION:
        return {"coarse_features": features, "activation_map": in_turn(clone.coarse_top.layers, features)}
    return {"cell_logits": clone.coarse_top.cell_logits(features)}


def fine_outputs(clone, patches) -> dict:
    """Returns the fine vectors of patches: [k, p, p, C] -> [k, D]. No shape in it holds k, which may change."""
    return {"fine_features": clone.fine.average(in_turn(clone.fine.layers, patches))}


def top_outputs(clone, inputs) -> dict:
    """Returns what the top makes of windows, [n, kh, kw, D], or of single vectors, [k, D]."""
    if clone.architecture.task == CLASSIFICATION:
        return {"activations": clone.fine_top.of_windows(inputs)}
    outputs = {"cell_logits": clone.fine_top.cell_logits(inputs)}
    return outputs if clone.fine_top.box_layers is None else outputs | {"boxes": clone.fine_top.cell_boxes(inputs)}


def whole_fine_outputs(clone, images) -> dict:
    """Returns the answer of the fine model: [B, H, W, C] -> logits, or for sequences those of every cell."""
    name = "logits" if clone.architecture.task == CLASSIFICATION else "cell_logits"
    return {name: clone.whole(images)}


def _top_input(architecture, num_patches):
    """Returns name and shape: as many windows as cells can change, or vectors."""
    depth = channels_of(architecture.fine)
    if architecture.task != CLASSIFICATION:
        return "fine_features", (num_patches, depth)
    conv = architecture.top.conv
    changed = num_patches * math.prod(-(-k // s) for k, s in zip(conv.kernel, conv.strides))
    map_size = output_size(architecture.coarse, architecture.image_size)
    return "windows", (min(changed, math.prod(output_size((conv,), map_size))), *conv.kernel, depth)


def top_windows(architecture, maps) -> np.ndarray:
    """Returns the windows of the top's convolution over maps, as the 'top' graph takes them.

    [N, h, w, D] -> [N * windows, kh, kw, D], zeros where a window reaches beyond the map.
    """
    conv = architecture.top.conv
    padded = np.pad(maps, [(0, 0), *conv.padding, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, conv.kernel, axis=(1, 2))
    windows = windows[:, :: conv.strides[0], :: conv.strides[1]]  # [N, h', w', D, kh, kw]
    return np.moveaxis(windows, 3, 5).reshape(-1, *conv.kernel, maps.shape[-1])


def saliency_weights(architecture, weights: dict) -> dict[str, np.ndarray]:
    """Returns the arrays of `saliency.npz`, the weights that are worked with in numpy.

    A classifier's are `dense` and `bias` of its logits, the `kernel` of the top's convolution, and the `scale` and
    `shift` that turn its outputs into those of the refined pass.

    A sequence's is `dense` alone: the R of the weights' decomposition Q R. The saliency needs the length of a gradient,
    and Q changes no length.

    Args:
        architecture: of the network.
        weights: layer name -> (kernel, bias), normalisation folded in, see `tools.export.folding.folded_weights`.

    Raises:
        UserError: the top's activation is not the ReLU that the closed form is written for.
    """
    if architecture.task != CLASSIFICATION:
        dense, _ = weights["coarse_top/logits"]
        return {"dense": np.linalg.qr(dense.astype(np.float64), mode="r").astype(np.float32)}
    activation = architecture.top.conv.activation
    if activation != "relu":
        raise UserError(
            f"the saliency's closed form needs a top with activation 'relu', received {activation!r}; train such a top"
        )
    (kernel, _), (scale, shift), (dense, bias) = (weights[f"top/{name}"] for name in ("conv", "refined", "logits"))
    return {"kernel": kernel, "dense": dense, "bias": bias, "scale": scale, "shift": shift}


def saliency_file(architecture, weights: dict) -> dict[str, bytes]:
    """Returns the saliency's weights as a file of a bundle, see `saliency_weights`."""
    buffer = io.BytesIO()
    np.savez(buffer, **saliency_weights(architecture, weights))
    return {SALIENCY_FILE: buffer.getvalue()}
