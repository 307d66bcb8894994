"""The gradient of the entropy in closed form: where more capacity would change the network's mind, without autodiff.

Logits hold several softmaxes side by side ('heads'): one for a classifier, the length and the positions for sequences.
"""

import itertools
import math
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=32)
def _segments(heads: tuple):
    """Returns where each head begins, and to which head each logit belongs."""
    return np.concatenate([[0], np.cumsum(heads)[:-1]]), np.repeat(np.arange(len(heads)), heads)


def log_softmax(logits, heads) -> np.ndarray:
    """Returns the log-probabilities of every head: [..., sum(heads)] -> the same shape."""
    starts, head_of = _segments(tuple(heads))
    shifted = logits - np.maximum.reduceat(logits, starts, axis=-1)[..., head_of]
    return shifted - np.log(np.add.reduceat(np.exp(shifted), starts, axis=-1))[..., head_of]


def entropies(log_probabilities, heads) -> np.ndarray:
    """Returns the entropy of every head in nats: [..., sum(heads)] -> [..., len(heads)].

    From log-probabilities, so that a probability that underflows to 0 contributes 0 and no log of 0 is taken.
    """
    return -np.add.reduceat(np.exp(log_probabilities) * log_probabilities, _segments(tuple(heads))[0], axis=-1)


def pool(cell_logits, heads, weighting: str, floor: float) -> np.ndarray:
    """Returns the pooled log-probabilities of several cells: [cells, sum(heads)] -> [sum(heads)].

    Args:
        weighting: 'average', or 'inverse_entropy': per head, cells weigh in proportion to 1 / (entropy + floor).
        floor: in nats; keeps the weight of a certain cell finite.
    """
    log_probabilities = log_softmax(cell_logits, heads)
    if weighting == "average":
        weights = np.full(log_probabilities.shape, 1 / len(log_probabilities), np.float32)
    else:
        weights = 1 / (entropies(log_probabilities, heads) + np.float32(floor))  # [cells, heads]
        weights = (weights / weights.sum(axis=0))[:, _segments(tuple(heads))[1]]
    return _log_mean(log_probabilities, weights)


def _log_mean(log_probabilities, weights):
    """Returns log(sum_cells weights * probabilities), without underflow."""
    peak = log_probabilities.max(axis=0)
    return peak + np.log((np.exp(log_probabilities - peak) * weights).sum(axis=0))


def small_product(left, right) -> np.ndarray:
    """Returns left @ right in pieces that OpenBLAS computes on one thread: [n, m], [m, l] -> [n, l].

    Above 2**18 multiplications it wakes a thread per core, which costs many times what products of this size do.
    """
    product = np.empty((len(left), right.shape[1]), np.float32)
    rows = max(1, 2**18 // right.size)
    for start in range(0, len(left), rows):
        np.matmul(left[start : start + rows], right, out=product[start : start + rows])
    return product


def select_cells(saliency, num_patches: int) -> np.ndarray:
    """Returns the k cells of highest saliency, the highest first, ties in row-major order: [h, w] -> [k, 2]."""
    flat = saliency.ravel()
    least = np.partition(flat, -num_patches)[-num_patches]
    candidates = (flat >= least).nonzero()[0]  # k of them, and more where some are equal to the least
    order = (-flat[candidates]).argsort(kind="stable")[:num_patches]
    return np.stack(np.divmod(candidates[order], saliency.shape[1]), axis=1)


class ClassifierSaliency:
    """Saliency of a top of convolution, ReLU, global max and softmax.

    Through a global max the gradient reaches the arg-max windows of each filter alone: dH/dlogits = -p (log p + H),
    dH/dmax = dense dH/dlogits, and each window receives its filters' kernels, weighted by it. Filters whose maximum is
    not above 0 receive nothing, and windows that share a maximum share its gradient equally.

    A window's gradient is kept as blocks of one stride's height and width, so that the windows overlap in whole blocks.

    Args:
        kernel: [kh, kw, D, filters], normalisation folded in.
        dense: [filters, classes].
        strides: of the convolution, in cells.
        padding: of the convolution, ((top, bottom), (left, right)) in cells.
        map_size: (height, width) in cells.
    """

    ROWS = 8  # windows of one matrix product

    def __init__(self, kernel, dense, strides, padding, map_size):
        height, width, depth, filters = kernel.shape
        self.dense = dense.astype(np.float32)
        self.kernel_shape = kernel.shape
        self.strides = tuple(strides)
        self.blocks = tuple(-(-k // s) for k, s in zip((height, width), strides))  # of a window
        self.kernels = self._kernels_of_filters(kernel)  # [filters, blocks * cells of a block * D]
        sides = zip(map_size, padding, (height, width), strides)
        self.map_size = tuple((n + sum(p) - k) // s + 1 for n, p, k, s in sides)  # of windows
        self.windows = np.zeros((math.prod(self.map_size), self.kernels.shape[1]), np.float32)
        counts = [n + blocks - 1 for n, blocks in zip(self.map_size, self.blocks)]
        self.gradient = np.zeros((*counts, math.prod(strides), depth), np.float32)
        self.shape = tuple(map_size)
        self.inside = tuple(slice(p[0], p[0] + n) for p, n in zip(padding, map_size))

    def _kernels_of_filters(self, kernel):
        height, width, depth, filters = kernel.shape
        (down, right), (high, wide) = self.blocks, self.strides
        whole = np.zeros((down * high, right * wide, depth, filters), np.float32)
        whole[:height, :width] = kernel
        whole = whole.reshape(down, high, right, wide, depth, filters).transpose(5, 0, 2, 1, 3, 4)
        return np.ascontiguousarray(whole).reshape(filters, -1)

    def __call__(self, activations, maxima, positive, log_probabilities) -> np.ndarray:
        """Returns the saliency, [h, w].

        Args:
            activations: [windows, filters], before or after the ReLU.
            maxima: [filters], the greatest activation of each filter.
            positive: [filters], whether it is above 0.
            log_probabilities: [classes] of the coarse output.
        """
        probabilities = np.exp(log_probabilities)
        entropy = -(probabilities * log_probabilities).sum()
        to_max = self.dense @ (-probabilities * (log_probabilities + entropy)).astype(np.float32)  # [filters]
        at_max = (activations == maxima) & positive
        self._fill_windows(at_max, to_max)
        return self._norms()

    def _fill_windows(self, at_max, to_max):
        """Sets every window's gradient: first of filters with several arg-max windows, then of those with one."""
        counts = np.add.reduce(at_max, axis=0, dtype=np.int32)
        shared = (counts > 1).nonzero()[0]
        weights = to_max[shared] / counts[shared]
        np.matmul(at_max[:, shared] * weights.astype(np.float32), self.kernels[shared], out=self.windows)
        window, filter_ = np.divmod(at_max.ravel().nonzero()[0], at_max.shape[1])
        alone = counts[filter_] == 1
        window, filter_ = window[alone], filter_[alone]  # in the order of windows
        if len(window):
            self._add_filters(window, filter_, to_max)

    def _add_filters(self, window, filter_, to_max):
        """Adds the kernels of filters to their windows, some windows at a time: each needs few of the filters."""
        kernels, pairs = self.kernels[filter_], np.arange(len(window))
        begins = (np.diff(window, prepend=-1) > 0).nonzero()[0]  # of a window's filters
        live = window[begins]
        row_of_window = np.empty(len(self.windows), np.intp)
        row_of_window[live] = np.arange(len(live))
        weights = np.zeros((len(live), len(window)), np.float32)
        weights[row_of_window[window], pairs] = to_max[filter_]
        sums = np.empty((len(live), kernels.shape[1]), np.float32)
        bounds = [*begins[:: self.ROWS].tolist(), len(window)]
        for i, (begin, end) in enumerate(itertools.pairwise(bounds)):
            rows = slice(i * self.ROWS, (i + 1) * self.ROWS)
            np.matmul(weights[rows, begin:end], kernels[begin:end], out=sums[rows])
        self.windows[live] += sums

    def _norms(self):
        """Returns the norm of every cell's gradient: the windows' blocks, added where they lie."""
        (rows, columns), (down, right) = self.map_size, self.blocks
        windows = self.windows.reshape(rows, columns, down, right, *self.gradient.shape[2:])
        self.gradient.fill(0)
        for y in range(down):
            for x in range(right):
                self.gradient[y : y + rows, x : x + columns] += windows[:, :, y, x]
        squares = np.einsum("yxcd,yxcd->yxc", self.gradient, self.gradient)
        high, wide = self.strides
        norms = np.sqrt(squares).reshape(*squares.shape[:2], high, wide).transpose(0, 2, 1, 3)
        norms = norms.reshape(squares.shape[0] * high, -1)[self.inside]
        saliency = np.zeros(self.shape, np.float32)
        saliency[: norms.shape[0], : norms.shape[1]] = norms  # the last cells may be in no window
        return saliency


class SequenceSaliency:
    """Saliency of a top that pools the cells' predictions; H is the sum of the entropies of `saliency_heads`.

    P being the pooled probabilities, let u = dH/dP = -log P - 1 on those heads and 0 elsewhere. A cell's logits, whose
    probabilities p weigh w in P, receive w p (u - <u, p>). Where w is proportional to v = 1 / (h + floor), h being the
    cell's own entropy, its change adds w v (<u, p> - <u, P>) p (log p + h). The cell's vector receives that times the
    transposed weights.

    Args:
        dense: [D, sum(heads)].
        heads: number of categories of each softmax.
        saliency_heads: indices of the softmaxes whose entropies are summed.
        weighting, floor: as in `pool`.
    """

    def __init__(self, dense, heads, saliency_heads, weighting: str = "average", floor: float = 0.0):
        self.dense = dense.astype(np.float32)
        self.heads = tuple(heads)
        self.counted = np.isin(_segments(self.heads)[1], saliency_heads)
        self.floor = np.float32(floor) if weighting == "inverse_entropy" else None

    def __call__(self, cell_logits, pooled) -> np.ndarray:
        """Returns the saliency: [h, w, sum(heads)], pooled log-probabilities [sum(heads)] -> [h, w]."""
        size = cell_logits.shape[:2]
        log_probabilities = log_softmax(cell_logits.reshape(-1, len(self.counted)), self.heads)
        gradient = small_product(self._to_logits(log_probabilities, pooled), self.dense.T)
        return np.sqrt(np.einsum("cd,cd->c", gradient, gradient)).reshape(size)

    def _to_logits(self, log_probabilities, pooled) -> np.ndarray:
        """Returns dH/dlogits: [cells, sum(heads)]."""
        starts, head_of = _segments(self.heads)
        probabilities = np.exp(log_probabilities)
        to_pooled = np.where(self.counted, -pooled - 1, 0).astype(np.float32)
        along = np.add.reduceat(probabilities * to_pooled, starts, axis=-1)  # <u, p>: [cells, heads]
        direct = probabilities * (to_pooled - along[:, head_of])
        if self.floor is None:
            return direct / np.float32(len(probabilities))
        entropy = entropies(log_probabilities, self.heads)
        inverse = 1 / (entropy + self.floor)
        along_pooled = np.add.reduceat(np.exp(pooled) * to_pooled, starts)  # <u, P>: [heads]
        by_weight = (inverse * (along - along_pooled))[:, head_of] * probabilities
        weights = inverse / inverse.sum(axis=0)
        return weights[:, head_of] * (direct + by_weight * (log_probabilities + entropy[:, head_of]))
