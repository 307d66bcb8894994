"""What of `edge.saliency` is compiled, where pip found a C compiler; elsewhere NumPy, which says the same.

NumPy's calls cost a processor as small as a Raspberry Pi's more than what they compute on so few numbers.
"""

import numpy as np

from edge import saliency

try:
    from edge import _compiled
except ImportError:  # it was installed without a C compiler, or without Python's headers
    _compiled = None


class CompiledClassifier:
    """The answer from a top's activations; arguments as of `saliency.Classifier`."""

    def __init__(self, gain, offset, dense, bias):
        self._weights = [np.ascontiguousarray(array, np.float64) for array in (gain, offset, dense, bias)]

    def __call__(self, activations):
        """Returns (maxima, log-probabilities, entropy), as `saliency.Classifier`."""
        maxima = np.empty(activations.shape[1], activations.dtype)
        log_probabilities = np.empty(len(self._weights[-1]))
        entropy = _compiled.classify(activations, *self._weights, maxima, log_probabilities)
        return maxima, log_probabilities, entropy


class CompiledClassifierSaliency:
    """Saliency of a top of convolution, ReLU, global max and softmax; arguments as of `saliency.ClassifierSaliency`."""

    def __init__(self, kernel, dense, strides, padding, map_size):
        self.kernel_shape = kernel.shape
        self.map_size = saliency.count_windows(map_size, padding, kernel.shape, strides)  # of windows
        self.dense = np.ascontiguousarray(dense, np.float32)
        self._kernels = np.ascontiguousarray(kernel.transpose(3, 0, 1, 2), np.float32)
        self._strides, self._before = tuple(strides), tuple(sides[0] for sides in padding)
        self._size = tuple(map_size)
        padded = [n + sum(sides) for n, sides in zip(map_size, padding)]
        self._gradient = np.empty((*padded, kernel.shape[2]), np.float32)

    def __call__(self, activations, maxima, positive, log_probabilities, entropy) -> np.ndarray:
        """Returns the saliency, [h, w]; as `saliency.ClassifierSaliency`, of int8, uint8 or float32 activations."""
        found = np.empty(self._size, np.float32)
        _compiled.classifier_saliency(
            activations,
            maxima,
            positive,
            log_probabilities,
            entropy,
            self.dense,
            self._kernels,
            self._strides,
            self._before,
            self._gradient,
            found,
        )
        return found


def compiled_select_cells(scores, num_patches: int) -> np.ndarray:
    """Returns the k cells of highest saliency, as `saliency.select_cells`: float32 [h, w] -> [k, 2]."""
    cells = np.empty((num_patches, 2), np.intp)
    _compiled.select_cells(scores, cells)
    return cells


IS_COMPILED = _compiled is not None
Classifier = CompiledClassifier if IS_COMPILED else saliency.Classifier
ClassifierSaliency = CompiledClassifierSaliency if IS_COMPILED else saliency.ClassifierSaliency
select_cells = compiled_select_cells if IS_COMPILED else saliency.select_cells
