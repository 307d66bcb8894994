"""The gradient of the entropy in closed form: where more capacity would change the network's mind, without autodiff."""

import itertools
import math

import numpy as np

from edge.network.softmaxes import Predictions, class_entropy, class_log_probabilities, segments, shares


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
    cells = np.empty((num_patches, 2), np.intp)
    np.divmod(candidates[order], saliency.shape[1], out=(cells[:, 0], cells[:, 1]))
    return cells


class Classifier:
    """The answer from the activations of a top of convolution, normalisation, ReLU, global max and softmax.

    Args:
        gain, offset: [filters]; activations times gain, plus offset, are what the ReLU takes. Gains are positive.
        dense: [filters, classes].
        bias: [classes].
    """

    def __init__(self, gain, offset, dense, bias):
        # In float64: the same on every processor.
        self.gain, self.offset, self.dense, self.bias = (np.asarray(a, np.float64) for a in (gain, offset, dense, bias))

    def __call__(self, activations):
        """Returns (maxima [filters], log-probabilities [classes], entropy in nats) of raw activations [., filters]."""
        maxima = np.maximum.reduce(activations, axis=0)
        pooled = np.maximum(maxima * self.gain + self.offset, 0.0)
        log_probabilities = class_log_probabilities(pooled @ self.dense + self.bias)
        return maxima, log_probabilities, class_entropy(log_probabilities)


def count_windows(map_size, padding, kernel_size, strides) -> tuple[int, int]:
    """Returns how many windows a convolution has on a map of cells, (vertical, horizontal)."""
    sides = zip(map_size, padding, kernel_size, strides)
    return tuple((n + sum(sides) - k) // s + 1 for n, sides, k, s in sides)


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
        height, width, depth, _ = kernel.shape
        self.dense = dense.astype(np.float32)
        self.kernel_shape = kernel.shape
        self.map_size = count_windows(map_size, padding, kernel.shape, strides)  # of windows
        self.strides = tuple(s if n > 1 else k for s, n, k in zip(strides, self.map_size, kernel.shape))
        self.blocks = tuple(-(-k // s) for k, s in zip((height, width), self.strides))  # of a window
        self.kernels = self._kernels_of_filters(kernel)  # [filters, blocks * cells of a block * D]
        self._prepare_sums(map_size, padding, depth)

    def _prepare_sums(self, map_size, padding, depth):
        """Tells which window gives each of its blocks to a place, and which place each cell is in.

        Block (y, x) of the window in row i and column j lies at the place (i + y, j + x).
        """
        (down, right), (high, wide), (height, width) = self.blocks, self.strides, self.map_size
        rows, columns = height + down - 1, width + right - 1  # of places
        y, x, i, j = np.ogrid[:down, :right, :rows, :columns]
        inside = (i >= y) & (i - y < height) & (j >= x) & (j - x < width)
        windows = np.where(inside, (i - y) * width + (j - x), height * width)  # the last one is no window
        self.windows = windows.reshape(down * right, -1)  # [blocks, places]
        self.of_block = np.arange(down * right)[:, None]
        self.count_type = np.min_scalar_type(height * width)
        row, column = (np.arange(n) + sides[0] for n, sides in zip(map_size, padding))
        place = (row // high)[:, None] * columns + column // wide
        cells = place * (high * wide) + (row % high)[:, None] * wide + column % wide
        inside = (row < rows * high)[:, None] & (column < columns * wide)
        self.depth = depth
        self.norms = np.zeros(rows * columns * high * wide + 1, np.float32)  # the last: of cells in no window
        self.cells = np.where(inside, cells, len(self.norms) - 1)

    def _kernels_of_filters(self, kernel):
        height, width, depth, filters = kernel.shape
        (down, right), (high, wide) = self.blocks, self.strides
        whole = np.zeros((down * high, right * wide, depth, filters), np.float32)
        whole[:height, :width] = kernel
        whole = whole.reshape(down, high, right, wide, depth, filters).transpose(5, 0, 2, 1, 3, 4)
        return np.ascontiguousarray(whole).reshape(filters, -1)

    def __call__(self, activations, maxima, positive, log_probabilities, entropy) -> np.ndarray:
        """Returns the saliency, [h, w].

        Args:
            activations: [windows, filters], before or after the ReLU.
            maxima: [filters], the greatest activation of each filter.
            positive: [filters], whether it is above 0.
            log_probabilities: of the coarse output, [classes] float64.
        """
        to_logits = [-math.exp(value) * (value + entropy) for value in log_probabilities.tolist()]
        at_max = activations == maxima
        counts = np.add.reduce(at_max, axis=0, dtype=self.count_type)
        to_windows = self.dense @ np.array(to_logits, np.float32) * positive / counts  # [filters]
        return self._norms(*self._sums(at_max, to_windows))

    def _sums(self, at_max, to_windows):
        """Returns the gradient of each pattern, [patterns + 1, blocks * cells of a block * D], and that of each window.

        A few patterns are computed at a time: together they need few of the filters' kernels. The last gradient is that
        of no window, 0.
        """
        first, patterns = _patterns(at_max)
        pattern, filter_ = np.divmod(at_max[first].ravel().nonzero()[0], at_max.shape[1])
        kernels = self.kernels.take(filter_, axis=0)
        weights = np.zeros((len(first), len(pattern)), np.float32)
        weights[pattern, np.arange(len(pattern))] = to_windows.take(filter_)
        sums = np.empty((len(first) + 1, kernels.shape[1]), np.float32)
        sums[-1] = 0
        bounds = [*pattern.searchsorted(np.arange(0, len(first), self.ROWS)).tolist(), len(pattern)]
        for i, (begin, end) in enumerate(itertools.pairwise(bounds)):
            rows = slice(i * self.ROWS, min((i + 1) * self.ROWS, len(first)))
            np.matmul(weights[rows, begin:end], kernels[begin:end], out=sums[rows])
        return sums, patterns

    def _norms(self, sums, patterns):
        """Returns the norm of every cell's gradient: the sum of its windows'."""
        blocks = len(self.windows)
        taken = (patterns * blocks).take(self.windows) + self.of_block  # [blocks, places]
        first, *others = sums.reshape(len(sums) * blocks, -1).take(taken, axis=0)
        for other in others:
            np.add(first, other, out=first)
        gradient = first.reshape(-1, self.depth)
        np.sqrt(np.einsum("cd,cd->c", gradient, gradient), out=self.norms[:-1])
        return self.norms.take(self.cells)


def _patterns(at_max):
    """Numbers the patterns of maxima: windows in which the same filters have their maximum have the same pattern.

    bool [windows, filters] -> a window of each pattern, [patterns], and the pattern of each window, [windows + 1]. The
    last entry stands for 'no window', and is the number of patterns.
    """
    packed = np.packbits(at_max, axis=1)
    keys = packed.view(f"S{packed.shape[1]}").ravel()  # of one length, so that zeros at the end do not matter
    order = keys.argsort(kind="stable")
    ordered = keys[order]
    begins = np.empty(len(keys) + 1, np.intp)
    begins[0], begins[-1] = 0, 1
    begins[1:-1] = ordered[1:] != ordered[:-1]
    rank = begins.cumsum()
    patterns = np.empty_like(rank)
    patterns[order], patterns[-1] = rank[:-1], rank[-1]
    begins[0] = 1
    return order[begins[:-1].nonzero()[0]], patterns


class SequenceSaliency:
    """Saliency of a top that pools the cells' predictions; H is the sum of the entropies of `saliency_heads`.

    P being the pooled probabilities, let u = dH/dP = -log P - 1 on those heads and 0 elsewhere. A cell's logits, whose
    probabilities p weigh w in P, receive w p (u - <u, p>). Where w is proportional to v = 1 / (h + floor), h being the
    cell's own entropy, its change adds w v (<u, p> - <u, P>) p (log p + h). The cell's vector receives that times the
    transposed weights.

    Args:
        dense: [D, sum(heads)], or [., sum(heads)] with the same products of its columns.
        saliency_heads: indices of the softmaxes whose entropies are summed.
    """

    def __init__(self, dense, heads, saliency_heads, weighting: str = "average", floor: float = 0.0):
        self.dense = dense.astype(np.float32)
        self.heads = tuple(heads)
        self.counted = np.isin(segments(self.heads)[1], saliency_heads)
        self.floor = np.float32(floor) if weighting == "inverse_entropy" else None

    def __call__(self, cells: Predictions, pooled) -> np.ndarray:
        """Returns the saliency of every cell, [cells]; `pooled` are their pooled log-probabilities, [sum(heads)]."""
        gradient = small_product(self._to_logits(cells, pooled).T, self.dense.T)
        return np.sqrt(np.einsum("cd,cd->c", gradient, gradient))

    def _to_logits(self, cells, pooled) -> np.ndarray:
        """Returns dH/dlogits: [sum(heads), cells]."""
        probabilities, head_of = cells.probabilities, cells.head_of
        to_pooled = np.where(self.counted, -pooled - 1, 0).astype(np.float32)[:, None]
        along = cells.of_heads(np.add, probabilities * to_pooled)  # <u, p>: [heads, cells]
        direct = probabilities * (to_pooled - along[head_of])
        if self.floor is None:
            return direct / np.float32(probabilities.shape[1])
        along_pooled = cells.of_heads(np.add, np.exp(pooled)[:, None] * to_pooled)  # <u, P>: [heads, 1]
        by_weight = ((along - along_pooled) / (cells.entropies + self.floor))[head_of] * probabilities
        by_entropy = by_weight * (cells.log_probabilities + cells.entropies[head_of])
        return shares(cells, self.floor)[head_of] * (direct + by_entropy)
