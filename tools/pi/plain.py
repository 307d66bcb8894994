"""Kernels without the savings of the device, to measure how much each saving is worth on a classifier.

The answers are the same, but for the order of sums.
"""

import math
from dataclasses import replace

import numpy as np

from edge.network.assembly import Assembler
from edge.network.kernels import FASTEST, NUMPY, Kernels
from edge.network.saliency import count_windows, small_product
from edge.network.stages import Stages

SAVINGS = ("closed_form", "changed_windows", "compiled", "in_place")  # of saliency, top, NumPy's calls, arrays between


def without(savings) -> Kernels:
    """Returns kernels that lack some of `SAVINGS`."""
    kernels = NUMPY if "compiled" in savings else FASTEST
    if "closed_form" in savings:
        kernels = replace(kernels, classifier_saliency=DenseSaliency)
    if "changed_windows" in savings:
        kernels = replace(kernels, assembler=WholeAssembler)
    return replace(kernels, make_stages=Stages) if savings else kernels  # in place is what none of them is left out of


class DenseSaliency:
    """The saliency as backpropagation computes it: the transposed convolution of the whole activation map's gradient.

    Arguments are those of `edge.network.saliency.ClassifierSaliency`.
    """

    def __init__(self, kernel, dense, strides, padding, map_size):
        height, width, depth, filters = self.kernel_shape = kernel.shape
        self.dense = dense.astype(np.float32)
        self.kernels = np.ascontiguousarray(kernel.reshape(-1, filters).T, np.float32)  # [filters, kh * kw * D]
        self.map_size = count_windows(map_size, padding, kernel.shape, strides)  # of windows
        padded = (*(n + sum(sides) for n, sides in zip(map_size, padding)), depth)
        self.gradient = np.zeros(padded, np.float32)
        self.inside = self.gradient[tuple(slice(p[0], p[0] + n) for p, n in zip(padding, map_size))]
        self.parts = [
            self.gradient[tuple(slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(at, self.map_size, strides))]
            for at in np.ndindex(height, width)
        ]  # of the gradient, that each cell of the windows adds to

    def __call__(self, activations, maxima, positive, log_probabilities, entropy) -> np.ndarray:
        """Returns the saliency, [h, w]; arguments as of `ClassifierSaliency`."""
        to_logits = -np.exp(log_probabilities) * (log_probabilities + entropy)
        at_max = activations == maxima
        to_maxima = self.dense @ to_logits.astype(np.float32) * positive / np.add.reduce(at_max, axis=0)
        to_windows = small_product((at_max * to_maxima).astype(np.float32), self.kernels)
        to_cells = to_windows.reshape(*self.map_size, math.prod(self.kernel_shape[:2]), -1)
        self.gradient[:] = 0
        for cell, part in enumerate(self.parts):
            part += to_cells[:, :, cell]
        return np.sqrt(np.einsum("hwd,hwd->hw", self.inside, self.inside))


class WholeAssembler(Assembler):
    """Has every window of the map computed again after the swap; arguments are those of `Assembler`."""

    def __call__(self, features, fine_features, cells):
        """Returns all windows of the refined map, [n, kh, kw, D], and their indices [n]."""
        self.map[...] = features
        self.map[cells[:, 0], cells[:, 1]] = fine_features
        return self.windows.reshape(self.num_windows, *self.windows.shape[2:]), np.arange(self.num_windows)
