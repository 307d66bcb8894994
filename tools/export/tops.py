"""The tops of the two tasks, as they are exported: every difference between the tasks that export has.

A top's methods need its layers. Its static methods need the architecture alone; `top_of` finds them.
"""

import dataclasses
import math
from typing import ClassVar

import numpy as np
import tensorflow as tf

from dcn_tf.architecture import CLASSIFICATION, SEQUENCE, channels_of
from dcn_tf.geometry import output_size
from dcn_tf.layers import INVERSE_ENTROPY_FLOOR
from dcn_tf.sequences import PRESENCE_POWER
from edge.errors import UserError
from tools.export.folding import refined_convolution
from tools.export.layers import LayerBuilder, in_turn, tf_keras, zero_padding


class ClassifierTopClone:
    """Both passes of a classifier's top: [batch, h, w, D] -> logits [batch, classes].

    Its convolution is that of the coarse pass, without the ReLU. Global maxima are taken before what is the refined
    pass's own, which is a rise and a shift of every filter's outputs: the order does not matter to a maximum.
    """

    LAYERS: ClassVar = {
        "coarse": ["top/conv"],
        "top": ["top/conv"],
        "whole_fine": ["top/conv", "top/logits"],
    }  # with weights
    WHOLE_OUTPUT = "logits"

    def __init__(self, build: LayerBuilder, top):
        conv = dataclasses.replace(top.spec.conv, activation=None)
        self.padding = zero_padding(conv)
        self.entrance = build.entrance("top")
        self.convolution = build.valid_convolution("top/conv", conv)
        self.layers = [*self.entrance, *self.padding, self.convolution]
        self.chains = [self.layers]
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

    @classmethod
    def both(cls, build: LayerBuilder, network) -> tuple:
        """Returns the tops of the coarse and of the refined pass: they are one."""
        top = cls(build, network.coarse_top)
        return top, top

    def coarse_outputs(self, features) -> dict:
        """Returns the outputs of the coarse model that the device needs: [B, h, w, D] -> name -> map."""
        return {"coarse_features": features, "activation_map": in_turn(self.layers, features)}

    def outputs(self, windows) -> dict:
        """Returns the outputs of the top model, of windows [n, kh, kw, D]."""
        return {"activations": self.of_windows(windows)}

    def narrowed(self, ranges: dict) -> dict:
        """Returns ranges in which the convolution's outputs are those alone that a pass's ReLU lets through."""
        scale, shift = (variable.numpy() for variable in self.refined)
        least, greatest = ranges["top/conv"]
        return ranges | {"top/conv": (max(least, min(0.0, float(np.min(-shift / scale)))), greatest)}

    @staticmethod
    def meeting(coarse: str, vectors: tuple) -> list[tuple]:
        """Returns groups of layers whose outputs must have one range: both stacks' vectors stand in one map."""
        return [(coarse, *vectors, "top/input")]

    @staticmethod
    def whole_layers(whole: LayerBuilder, architecture) -> list:
        """Returns the layers of the whole fine model behind its stack."""
        convolution = whole.convolution("whole_fine/conv", architecture.top.conv)
        return [*convolution, tf_keras.layers.GlobalMaxPooling2D(), whole.dense("whole_fine/logits")]

    @staticmethod
    def whole_weights(weights: dict) -> dict:
        """Returns the weights of these layers."""
        return {"whole_fine/conv": refined_convolution(weights), "whole_fine/logits": weights["top/logits"]}

    @staticmethod
    def top_input(architecture, num_patches: int) -> tuple:
        """Returns the name and the shape of the top model's input: as many windows as k cells can change."""
        conv = architecture.top.conv
        changed = num_patches * math.prod(-(-k // s) for k, s in zip(conv.kernel, conv.strides))
        windows = output_size((conv,), output_size(architecture.coarse, architecture.image_size))
        return "windows", (min(changed, math.prod(windows)), *conv.kernel, channels_of(architecture.fine))

    @staticmethod
    def seen(coarse_features, refined) -> np.ndarray:
        """Returns the maps that the top sees, [N, h, w, D]: of both passes."""
        return np.concatenate([refined, coarse_features])

    @staticmethod
    def top_inputs(architecture, seen) -> np.ndarray:
        """Returns what the top model is given of the maps in `seen`: their windows."""
        return top_windows(architecture, seen)

    @staticmethod
    def saliency_weights(architecture, weights: dict) -> dict[str, np.ndarray]:
        """Returns the arrays of `saliency.npz`.

        `dense` and `bias` are those of the logits, `kernel` that of the top's convolution. `scale` and `shift` turn its
        outputs into those of the refined pass.

        Args:
            weights: layer name -> (kernel, bias), see `tools.export.folding.folded_weights`.

        Raises:
            UserError: the top's activation is not the ReLU that the closed form is written for.
        """
        activation = architecture.top.conv.activation
        if activation != "relu":
            raise UserError(
                f"the saliency's closed form needs a top with activation 'relu', received {activation!r}; "
                "train such a top"
            )
        (kernel, _), (scale, shift), (dense, bias) = (weights[f"top/{name}"] for name in ("conv", "refined", "logits"))
        return {"kernel": kernel, "dense": dense, "bias": bias, "scale": scale, "shift": shift}

    @staticmethod
    def manifest_entry(network) -> dict:
        """Returns what a manifest says of the top alone."""
        conv = network.architecture.top.conv
        convolution = {"strides": list(conv.strides), "padding": [list(sides) for sides in conv.padding]}
        return {"max_length": None, "refined": "swap", "convolution": convolution, "pooling": None}


def top_windows(architecture, maps) -> np.ndarray:
    """Returns the windows of the top's convolution over maps, as the 'top' graph takes them.

    [N, h, w, D] -> [N * windows, kh, kw, D], zeros where a window reaches beyond the map.
    """
    conv = architecture.top.conv
    padded = np.pad(maps, [(0, 0), *conv.padding, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, conv.kernel, axis=(1, 2))
    windows = windows[:, :: conv.strides[0], :: conv.strides[1]]  # [N, h', w', D, kh, kw]
    return np.moveaxis(windows, 3, 5).reshape(-1, *conv.kernel, maps.shape[-1])


class SequenceTopClone:
    """A stack's top for sequences, [batch, ..., D] -> log-probabilities; each chain begins with its layers."""

    LAYERS: ClassVar = {"coarse": ["coarse_top/logits"], "top": ["fine_top/logits"], "whole_fine": ["fine_top/logits"]}
    WHOLE_OUTPUT = "cell_logits"

    def __init__(self, build: LayerBuilder, name: str, top):
        self.entrance = build.entrance(name)
        self.layers = [*self.entrance, build.dense(f"{name}/logits")]
        self.chains = [self.layers]
        self.pool = top.pool
        self.entropy = top.entropy

    def __call__(self, features, training=False, coarse_pass=False):
        return self.pool(self.cell_logits(features))

    def cell_logits(self, features):
        """Returns the logits of every cell's own prediction."""
        return in_turn(self.layers, features)

    @classmethod
    def both(cls, build: LayerBuilder, network) -> tuple:
        """Returns the tops of the coarse and of the refined pass."""
        return cls(build, "coarse_top", network.coarse_top), cls(build, "fine_top", network.fine_top)

    def coarse_outputs(self, features) -> dict:
        """Returns the outputs of the coarse model that the device needs: [B, h, w, D] -> name -> map."""
        return {"cell_logits": self.cell_logits(features)}

    def outputs(self, vectors) -> dict:
        """Returns the outputs of the top model, of vectors [k, D]."""
        return {"cell_logits": self.cell_logits(vectors)}

    def narrowed(self, ranges: dict) -> dict:
        """Returns the ranges as they are."""
        return ranges

    @staticmethod
    def meeting(coarse: str, vectors: tuple) -> list[tuple]:
        """Returns groups of layers whose outputs must have one range: each stack's vectors meet its own top."""
        return [(coarse, "coarse_top/input"), (*vectors, "fine_top/input")]

    @staticmethod
    def whole_layers(whole: LayerBuilder, architecture) -> list:
        """Returns the layers of the whole fine model behind its stack."""
        return [whole.dense("whole_fine/logits")]

    @staticmethod
    def whole_weights(weights: dict) -> dict:
        """Returns the weights of these layers."""
        return {"whole_fine/logits": weights["fine_top/logits"]}

    @staticmethod
    def top_input(architecture, num_patches: int) -> tuple:
        """Returns the name and the shape of the top model's input: a vector of each patch."""
        return "fine_features", (num_patches, channels_of(architecture.fine))

    @staticmethod
    def seen(coarse_features, refined) -> np.ndarray:
        """Returns the vectors that the top sees, [N * k, D]."""
        return refined.reshape(-1, refined.shape[-1])

    @staticmethod
    def top_inputs(architecture, seen) -> np.ndarray:
        """Returns what the top model is given of `seen`: the same."""
        return seen

    @staticmethod
    def saliency_weights(architecture, weights: dict) -> dict[str, np.ndarray]:
        """Returns the array of `saliency.npz`, `dense`: the R of the weights' decomposition Q R.

        The saliency needs the length of a gradient, and Q changes no length. Arguments are those of a classifier's.
        """
        dense, _ = weights["coarse_top/logits"]
        return {"dense": np.linalg.qr(dense.astype(np.float64), mode="r").astype(np.float32)}

    @staticmethod
    def manifest_entry(network) -> dict:
        """Returns what a manifest says of the top alone."""
        weightings = {"coarse": network.coarse_top.weighting, "refined": network.fine_top.weighting}
        pooling = weightings | {"floor": INVERSE_ENTROPY_FLOOR, "power": PRESENCE_POWER}
        top = network.architecture.top
        lengths = {"max_length": top.max_length, "min_length": top.min_length}
        return lengths | {"refined": "pool", "convolution": None, "pooling": pooling}


class BoxTopClone(SequenceTopClone):
    """The top of a stack of a network for sequences whose fine top also tells where each patch sees its sequence."""

    LAYERS: ClassVar = SequenceTopClone.LAYERS | {"top": ["fine_top/box", "fine_top/logits"]}

    def __init__(self, build: LayerBuilder, name: str, top):
        super().__init__(build, name, top)
        if top.box is not None:
            self.chains.append([*self.entrance, build.dense(f"{name}/box")])

    def outputs(self, vectors) -> dict:
        """Returns the outputs of the top model, of vectors [k, D]: `boxes` [k, 4] are in parts of each patch."""
        return super().outputs(vectors) | {"boxes": in_turn(self.chains[1], vectors)}


TOPS = {CLASSIFICATION: ClassifierTopClone, SEQUENCE: SequenceTopClone}


def top_of(architecture) -> type[ClassifierTopClone] | type[SequenceTopClone]:
    """Returns the top of an architecture's task."""
    return BoxTopClone if architecture.top.box else TOPS[architecture.task]
