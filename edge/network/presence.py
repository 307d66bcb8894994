"""The coarse output where an image may hold nothing to read, and its saliency: cells weigh by what they see.

A cell's presence is the probability that it sees something to read: of a length that is not 0, the first category.
Cells weigh in proportion to the odds of it, to a power, so that a few have nearly all the weight.
"""

import numpy as np

from edge.bundle.tensors import Tensor
from edge.network.saliency import small_product
from edge.network.softmaxes import entropies

AT_ONCE = 64  # cells whose saliency is computed at once
ROWS = 4096  # cells whose logits are looked up at once
TINY = np.float32(1e-37)
LEAST_LOGIT = -80.0  # less than the greatest one; its exponential is still a number in float32
SLACK = 1e-4  # of a bound, for what float32 rounds


class SeenCells:
    """What the cells of an image see, the pooled output, and its entropy.

    Args:
        raw: of the cells' logits, [cells, sum(heads)].
        heads: number of categories of each softmax: of lengths from 0 on, and of every position.
        saliency_heads: indices of the softmaxes whose entropies are summed; positions alone.
        power: of the odds.

    Attributes:
        log_probabilities: of the pooled output, [sum(heads)].
        weights: the cells' shares, [cells].
        lengths: probabilities of the lengths from 1 on where there is something, [cells, lengths].
        exponentials: of the positions' logits, but for a factor, [cells, positions, categories].
        sums: of them, [cells, positions].
    """

    def __init__(self, raw, tensor: Tensor, heads, saliency_heads, power: float):
        odds, self.lengths = _length_parts(tensor.dequantize(raw[:, : heads[0]]))
        surest = odds.max()  # the image holds what its surest cell sees
        self.power = np.float32(power)
        self.weights = np.exp(self.power * (odds - surest))
        self.weights /= self.weights.sum()
        flat, positions = _exponentials(raw[:, heads[0] :], tensor), len(heads) - 1
        self.exponentials = flat.reshape(len(raw), positions, -1)
        self.sums = small_product(flat, np.repeat(np.eye(positions, dtype=np.float32), heads[1], axis=0))
        every = small_product(np.ascontiguousarray((self.weights[:, None] / self.sums).T), flat)
        pooled = every.reshape(positions, positions, -1)[range(positions), range(positions)]  # of its own position
        lengths = np.log(np.maximum(self.weights @ self.lengths, TINY)) - np.logaddexp(0, -surest)
        self.positions = np.log(np.maximum(pooled, TINY))
        self.log_probabilities = np.concatenate([[-np.logaddexp(0, surest)], lengths, self.positions.ravel()])
        self.log_probabilities = self.log_probabilities.astype(np.float32)
        self.counted = np.isin(np.arange(1, len(heads)), saliency_heads)
        self.entropy = float(entropies(self.positions.ravel(), heads[1:])[self.counted].sum())

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.weights)

    def probabilities(self, cells) -> np.ndarray:
        """Returns those of the positions of some cells: [n] -> [n, positions, categories]."""
        return self.exponentials[cells] / self.sums[cells, :, None]


def _length_parts(logits):
    """Returns of every cell the log odds that it sees something, and the lengths given something.

    [cells, 1 + lengths] -> [cells], [cells, lengths].
    """
    nothing, lengths = logits[:, 0], logits[:, 1:]
    peak = lengths.max(axis=1)
    exponentials = np.exp(lengths - peak[:, None])
    sums = exponentials.sum(axis=1)
    return peak + np.log(sums) - nothing, exponentials / sums[:, None]


def exponentials_of(tensor: Tensor) -> np.ndarray:
    """Returns the exponentials of each int8 value, but for a factor, from the least one on: [256] float32."""
    return np.exp(np.maximum((np.arange(256, dtype=np.float32) - 255) * np.float32(tensor.scale), LEAST_LOGIT))


def _exponentials(raw, tensor: Tensor):
    """Returns the exponentials of real values, but for a factor: [cells, n] -> [cells, n] float32."""
    if tensor.dtype == "int8":
        table = exponentials_of(tensor)
        found = np.empty(raw.shape, np.float32)
        for start in range(0, len(raw), ROWS):  # since indices take eight bytes each
            found[start : start + ROWS] = table.take(raw[start : start + ROWS].view(np.uint8) ^ np.uint8(128))
        return found
    real = tensor.dequantize(raw)
    return np.exp(np.maximum(real - real.max(axis=1, keepdims=True), LEAST_LOGIT))


class PresenceSaliency:
    """The norm of the gradient of the pooled output's entropy H at every cell, in closed form.

    P being the pooled probabilities of the positions, let u = dH/dP = -log P - 1 on those that count and 0 elsewhere.
    The logits of the positions of a cell of weight w, whose probabilities are p, receive w p (u - <u, p>). The weight
    is proportional to the odds to the power of b: dH/d log odds = b w (<u, p> - <u, P>) =: g. With the probabilities r
    of the lengths given that there is something, the logit of nothing receives -g, and that of a length g r. The cell's
    vector receives all that times the transposed weights.

    Few cells have a saliency worth computing. The norm at a position's logits is at most w times the root of the
    variance of u under p, the one at those of the lengths at most sqrt(2) g, and that at the vector the whole times the
    greatest singular value of the weights. Cells whose bound is below the k-th saliency found have one of 0 here.

    Args:
        dense: [D, sum(heads)], or [., sum(heads)] with the same products of its columns.
    """

    def __init__(self, dense):
        self.dense = dense.astype(np.float32)
        self.greatest = float(np.linalg.norm(self.dense.astype(np.float64), 2))

    def __call__(self, cells: SeenCells, num_patches: int) -> np.ndarray:
        """Returns the saliency, [cells]: exact for the `num_patches` most salient cells, and for others exact or 0."""
        to_pooled = np.where(cells.counted[:, None], -cells.positions - 1, 0).astype(np.float32)  # u
        of_pooled = float((np.exp(cells.positions) * to_pooled).sum())  # <u, P>
        bound = self._bound(cells, to_pooled, of_pooled)
        order = (-bound).argsort(kind="stable")
        found, least = np.zeros(cells.count, np.float32), -1.0
        for start in range(0, len(order), AT_ONCE):
            if bound[order[start]] < least:
                break
            chosen = order[start : start + AT_ONCE]
            gradient = small_product(_to_logits(cells, chosen, to_pooled, of_pooled), self.dense.T)
            found[chosen] = np.sqrt(np.einsum("cd,cd->c", gradient, gradient))
            computed = found[order[: start + AT_ONCE]]
            if len(computed) >= num_patches:
                least = float(np.partition(computed, -num_patches)[-num_patches])
        return found

    def _bound(self, cells: SeenCells, to_pooled, of_pooled):
        """Returns what the saliency is at most, [cells]."""
        positions, categories = to_pooled.shape
        moments = np.zeros((2, positions, categories, positions), np.float32)
        places = np.arange(positions)
        moments[0, places, :, places], moments[1, places, :, places] = to_pooled, np.square(to_pooled)
        flat = cells.exponentials.reshape(cells.count, -1)
        mean, square = (small_product(flat, m.reshape(-1, positions)) / cells.sums for m in moments)
        ranges = to_pooled.max(axis=1) - to_pooled.min(axis=1)
        variance = np.maximum(square - np.square(mean), 0).sum(axis=1) + SLACK * np.square(ranges).sum()
        to_odds = cells.power * (np.abs(mean.sum(axis=1) - of_pooled) + SLACK * ranges.sum())
        return cells.weights * np.sqrt(variance + 2 * np.square(to_odds)) * (self.greatest * (1 + SLACK))


def _to_logits(cells: SeenCells, chosen, to_pooled, of_pooled):
    """Returns dH/dlogits of some cells: [n, sum(heads)]."""
    probabilities, weights = cells.probabilities(chosen), cells.weights[chosen]
    along = (probabilities * to_pooled).sum(axis=2)  # <u, p> of each position
    to_positions = weights[:, None, None] * probabilities * (to_pooled - along[..., None])
    to_odds = (cells.power * weights * (along.sum(axis=1) - of_pooled))[:, None]
    parts = [-to_odds, to_odds * cells.lengths[chosen], to_positions.reshape(len(chosen), -1)]
    return np.concatenate(parts, axis=1).astype(np.float32)
