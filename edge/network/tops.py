"""The top of a classifier, from raw outputs to saliency, the next raw input and the answer; and the top of any task.

Every top says the same things of its task, so that nothing else on the device asks which task it has.
"""

import math
from typing import Any

import numpy as np

from edge.bundle.manifest import Manifest
from edge.bundle.tasks import Classification, Sequence
from edge.bundle.tensors import Tensor
from edge.network.interpreter import Model
from edge.network.kernels import Kernels
from edge.network.result import Glance, without_nan
from edge.network.saliency import count_windows
from edge.network.sequence_tops import PoolTop, VoteTop
from edge.network.softmaxes import class_log_probabilities


class SwapTop:
    """A classifier's top: fine vectors are swapped into the coarse map, and what that changes is computed again.

    The top's convolution is followed by a global maximum. Only windows that hold a selected cell change; for all others
    the coarse pass has said what they give. The two passes differ in their normalisation alone: a positive scale and a
    shift of every filter, which may as well follow the maximum.

    Args:
        manifest: of the bundle.
        weights: of `saliency.npz`.
        coarse, top: the models.
        kernels: what it computes with.
    """

    def __init__(self, manifest: Manifest, weights: dict, coarse: Model, top: Model, kernels: Kernels):
        task, map_size, activations = manifest.task, manifest.cells.map, coarse.output("activation_map")
        dense, bias, kernel = weights["dense"], weights["bias"], weights["kernel"]
        self.saliency_of = kernels.classifier_saliency(kernel, dense, task.strides, task.padding, map_size)
        self.zero, self.classes = activations.zero_point, len(bias)
        self.coarse = kernels.classifier(*_affine(activations, np.ones_like(weights["scale"])), dense, bias)
        self.refined = kernels.classifier(*_affine(activations, weights["scale"], weights["shift"]), dense, bias)
        vectors = top.input.dtype, top.input.zero_point
        self.assembler = kernels.assembler(map_size, task.padding, task.strides, kernel.shape[:3], *vectors)

    def glance(self, raw: dict) -> Glance:
        """Returns what the raw outputs of the coarse model say."""
        activations = _checked(raw["activation_map"])
        activations = activations.reshape(-1, activations.shape[-1])
        maxima, log_probabilities, entropy = self.coarse(activations)
        return Glance(log_probabilities, entropy, activations, raw["coarse_features"][0], maxima)

    def saliency(self, glance: Glance) -> np.ndarray:
        """Returns the saliency, [h, w]."""
        maxima = glance.maxima
        return self.saliency_of(glance.values, maxima, maxima > self.zero, glance.log_probabilities, glance.entropy)

    def assemble(self, glance: Glance, fine_features, cells):
        """Returns the top's raw input, the windows that change [n, kh, kw, D], and their indices [n]."""
        return self.assembler(glance.features, fine_features, cells)

    def answer(self, glance: Glance, raw: dict, windows) -> np.ndarray:
        """Returns the answer's log-probabilities; `raw` of the top model, for the windows of `assemble`."""
        activations = glance.values.copy()
        self.assembler.put(activations, windows, _checked(raw["activations"]).reshape(len(windows), -1))
        return self.refined(activations)[1]

    @staticmethod
    def model_facts(manifest: Manifest, coarse: Model, fine: Model, top: Model) -> dict:
        """Returns what the models say and what the manifest says: name -> (found, wanted)."""
        features, activations = coarse.output("coarse_features"), coarse.output("activation_map")
        vectors, task = fine.output("fine_features"), manifest.task
        windows = count_windows(manifest.cells.map, task.padding, top.input.shape[1:3], task.strides)
        return {
            "cells.map": (features.shape[1:], (*manifest.cells.map, vectors.shape[-1])),
            "convolution": (activations.shape[1:3], windows),
            "coarse vectors' scale": (features.encoding, vectors.encoding),
            "activations' scale": (top.output("activations").encoding, activations.encoding),
        }

    @staticmethod
    def weight_shapes(manifest: Manifest, coarse: Model, top: Model) -> dict:
        """Returns the shapes that the saliency's weights must have, by name; None is any number."""
        (classes,), filters = manifest.task.heads, coarse.output("activation_map").shape[-1]
        kernel = (*top.input.shape[1:], filters)
        vectors = dict.fromkeys(("scale", "shift"), (filters,))
        return {"dense": (filters, classes), "kernel": kernel, "bias": (classes,), **vectors}

    @staticmethod
    def whole_answer(task: Classification, model: Model, raw: dict) -> np.ndarray:
        """Returns the log-probabilities that the whole fine model's raw outputs say."""
        return class_log_probabilities(model.output("logits").dequantize(raw["logits"][0]))

    @staticmethod
    def most_inputs(manifest: Manifest, num_patches: int) -> int:
        """Returns how many inputs the top model has at most: the windows that k patches can change."""
        kernel = manifest.models["top"].input.shape[1:3]
        of_cell = math.prod(-(-k // s) for k, s in zip(kernel, manifest.task.strides))
        windows = manifest.models["coarse"].output("activation_map").shape[1:3]
        return min(num_patches * of_cell, math.prod(windows))

    @staticmethod
    def saliency_multiplications(manifest: Manifest, weights) -> int:
        """Returns the multiplications of the saliency: the top's kernels once."""
        filters = manifest.models["coarse"].output("activation_map").shape[-1]
        return math.prod(manifest.models["top"].input.shape[1:]) * filters


def _checked(activations: np.ndarray) -> np.ndarray:
    """Returns raw activations as they are; WorkError where one is no number, which a maximum may not show."""
    return activations if activations.dtype != np.float32 else without_nan(activations)


def _affine(activations: Tensor, scale, shift=0.0):
    """Returns (gain, offset), [filters] float64: raw activations -> scale * real activations + shift."""
    gain = scale.astype(np.float64) * activations.scale
    return gain, shift - gain * activations.zero_point


TOPS = {Classification: SwapTop, Sequence: PoolTop}


def top_of(manifest: Manifest) -> Any:
    """Returns the top of a manifest's task, for images of one size or of any."""
    return VoteTop if manifest.levels else TOPS[type(manifest.task)]
