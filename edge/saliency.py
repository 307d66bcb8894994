"""The gradient of the entropy in closed form: where more capacity would change the network's mind, without autodiff.

Logits hold several softmaxes side by side ('heads'): one for a classifier, the length and the positions for sequences.
"""

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
    order = np.argsort(-saliency.ravel(), kind="stable")[:num_patches]
    return np.stack(np.divmod(order, saliency.shape[1]), axis=1)


class ClassifierSaliency:
    """Saliency of a top of convolution, ReLU, global max and softmax.

    Through a global max the gradient reaches the arg-max windows of each filter alone: dH/dlogits = -p (log p + H),
    dH/dmax = dense dH/dlogits, and each window receives its filters' kernels, weighted by it. Filters whose maximum is
    0 receive nothing, and windows that share a maximum share its gradient equally.

    Args:
        kernel: [kh, kw, D, filters], normalisation folded in.
        dense: [filters, classes].
        strides: (vertical, horizontal) of the convolution.
        padding: ((top, bottom), (left, right)) of the convolution.
        map_size: (height, width) of the map of vectors.
    """

    def __init__(self, kernel, dense, strides, padding, map_size):
        kernel_height, kernel_width, depth, filters = kernel.shape
        self.dense = dense.astype(np.float32)
        self.windows_of_filters = np.ascontiguousarray(kernel.reshape(-1, filters).T, np.float32)  # [filters, kh*kw*D]
        padded = [n + sum(p) for n, p in zip(map_size, padding)]
        self.gradient = np.zeros([padded[0] * padded[1], depth], np.float32)
        self.inside = tuple(slice(p[0], p[0] + n) for n, p in zip(map_size, padding))
        self.padded_size = tuple(padded)
        rows, columns = ((n - k) // s + 1 for n, k, s in zip(padded, kernel.shape, strides))
        row, column = np.divmod(np.arange(rows * columns), columns)
        inner = np.arange(kernel_height)[:, None] * padded[1] + np.arange(kernel_width)
        corner = row * strides[0] * padded[1] + column * strides[1]
        self.cells_of_window = corner[:, None] + inner.ravel()  # [windows, kh*kw]
        # Windows of one group never overlap, so that a plain indexed addition is right within a group.
        spread = [-(-k // s) for k, s in zip((kernel_height, kernel_width), strides)]
        self.group_of_window = row % spread[0] * spread[1] + column % spread[1]
        self.groups = range(spread[0] * spread[1])

    def __call__(self, activation_map, log_probabilities) -> np.ndarray:
        """Returns the saliency: [h', w', filters] after the ReLU, [classes] of the coarse output -> [h, w]."""
        probabilities = np.exp(log_probabilities)
        entropy = -(probabilities * log_probabilities).sum()
        to_max = self.dense @ (-probabilities * (log_probabilities + entropy))  # [filters]
        activations = activation_map.reshape(-1, activation_map.shape[-1])
        maximum = activations.max(axis=0)
        at_max = (activations == maximum) & (maximum > 0)
        live = np.flatnonzero(at_max.any(axis=1))
        at_max = at_max[live]
        to_windows = at_max * (to_max / np.maximum(at_max.sum(axis=0), 1))  # [live, filters]
        self._add_windows(live, small_product(to_windows, self.windows_of_filters))
        gradient = self.gradient.reshape(*self.padded_size, -1)[self.inside]
        return np.sqrt(np.einsum("hwd,hwd->hw", gradient, gradient))

    def _add_windows(self, live, windows):
        depth = self.gradient.shape[1]
        windows = windows.reshape(len(live), self.cells_of_window.shape[1], depth)
        self.gradient.fill(0)
        groups = self.group_of_window[live]
        for group in self.groups:
            members = groups == group
            self.gradient[self.cells_of_window[live[members]]] += windows[members]


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
