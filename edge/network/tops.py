"""The two tops, a classifier's and a sequence's: from raw outputs to saliency, the next raw input, and the answer."""

import math
from typing import NamedTuple

import numpy as np

from edge.network.interpreter import Tensor
from edge.network.kernels import Kernels
from edge.network.saliency import Predictions, SequenceSaliency, entropies, pool


class Glance(NamedTuple):
    """The first stage's view of one image.

    Attributes:
        log_probabilities: of the coarse output, [sum(heads)].
        entropy: of it, in nats.
        values: what the saliency is computed from: a classifier's raw activations, [windows, filters]; a sequence's
            `Predictions` of its cells, row by row.
        features: raw coarse features, [h, w, D]; None for sequences.
        maxima: raw, [filters]; None for sequences.
    """

    log_probabilities: np.ndarray
    entropy: float
    values: np.ndarray | Predictions
    features: np.ndarray | None = None
    maxima: np.ndarray | None = None


def most_windows(manifest: dict, num_patches: int) -> int:
    """Returns how many windows of a classifier's top k patches can change at most."""
    kernel = manifest["models"]["top"]["inputs"][0]["shape"][1:3]
    outputs = {output["name"]: output["shape"] for output in manifest["models"]["coarse"]["outputs"]}
    of_cell = math.prod(-(-k // s) for k, s in zip(kernel, manifest["convolution"]["strides"]))
    return min(num_patches * of_cell, math.prod(outputs["activation_map"][1:3]))


class SwapTop:
    """A classifier's top: fine vectors are swapped into the coarse map, and what that changes is computed again.

    The top's convolution is followed by a global maximum. Of its windows those alone change that hold a selected cell;
    for all others the coarse pass has said what they give. What the two passes do not share, their normalisation, is a
    positive scale and a shift of every filter, which may as well follow the maximum.

    Args:
        manifest: of the bundle.
        weights: of `saliency.npz`.
        activations: the coarse model's output of that name.
        vectors: the top model's input.
        kernels: what it computes with.
    """

    def __init__(self, manifest: dict, weights: dict, activations: Tensor, vectors: Tensor, kernels: Kernels):
        self.heads = manifest["heads"]
        convolution, map_size = manifest["convolution"], manifest["cells"]["map"]
        strides, padding = convolution["strides"], convolution["padding"]
        self.saliency_of = kernels.classifier_saliency(weights["kernel"], weights["dense"], strides, padding, map_size)
        self.zero = activations.zero_point
        dense, bias = weights["dense"], weights["bias"]
        self.coarse = kernels.classifier(*_affine(activations, np.ones_like(weights["scale"])), dense, bias)
        self.refined = kernels.classifier(*_affine(activations, weights["scale"], weights["shift"]), dense, bias)
        kernel_shape = weights["kernel"].shape[:3]
        self.assembler = kernels.assembler(map_size, padding, strides, kernel_shape, vectors.dtype, vectors.zero_point)

    def glance(self, raw: dict) -> Glance:
        """Returns what the raw outputs of the coarse model say."""
        activations = raw["activation_map"]
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
        self.assembler.put(activations, windows, raw["activations"].reshape(len(windows), -1))
        return self.refined(activations)[1]


def _affine(activations: Tensor, scale, shift=0.0):
    """Returns (gain, offset), [filters] float64: raw activations -> scale * real activations + shift."""
    gain = scale.astype(np.float64) * activations.scale
    return gain, shift - gain * activations.zero_point


class PoolTop:
    """The top for sequences: a prediction per vector, pooled; the answer comes from the fine vectors alone.

    Args:
        manifest: of the bundle.
        weights: of `saliency.npz`.
        coarse_logits, fine_logits: the outputs `cell_logits` of the coarse and of the top model.
    """

    def __init__(self, manifest: dict, weights: dict, coarse_logits: Tensor, fine_logits: Tensor):
        self.heads, self.saliency_heads, self.pooling = (manifest[n] for n in ("heads", "saliency_heads", "pooling"))
        self.map_size = manifest["cells"]["map"]
        self.coarse_logits, self.fine_logits = coarse_logits, fine_logits
        weighting, floor = self.pooling["coarse"], self.pooling["floor"]
        self.saliency_of = SequenceSaliency(weights["dense"], self.heads, self.saliency_heads, weighting, floor)

    def glance(self, raw: dict) -> Glance:
        """Returns what the raw outputs of the coarse model say."""
        logits = self.coarse_logits.dequantize(raw["cell_logits"]).reshape(-1, sum(self.heads))
        cells = Predictions(logits, self.heads)
        log_probabilities = pool(cells, self.pooling["coarse"], self.pooling["floor"])
        entropy = float(entropies(log_probabilities, self.heads)[self.saliency_heads].sum())
        return Glance(log_probabilities, entropy, cells)

    def saliency(self, glance: Glance) -> np.ndarray:
        """Returns the saliency, [h, w]."""
        return self.saliency_of(glance.values, glance.log_probabilities).reshape(self.map_size)

    def assemble(self, glance: Glance, fine_features, cells):
        """Returns the top's raw input, [k, D], and nothing to remember."""
        return fine_features, None

    def answer(self, glance: Glance, raw: dict, windows=None) -> np.ndarray:
        """Returns the answer's log-probabilities; `raw` of the top model."""
        cell_logits = self.fine_logits.dequantize(raw["cell_logits"]).astype(np.float64)
        return pool(Predictions(cell_logits, self.heads), self.pooling["refined"], self.pooling["floor"])
