"""The coarse output where an image may hold nothing to read, and its saliency: cells weigh by what they see.

A cell's presence is the probability that it sees something to read: of a length that is not 0, the first category. In
the pooled positions cells weigh in proportion to it. Most cells of a photograph see nothing, and are left out of most
of the work.
"""

import numpy as np

from edge.bundle.tensors import Tensor
from edge.network.saliency import Predictions, entropies, log_means, small_product

SLIGHT = 2.0**-30  # the cells that are left out weigh together less than this
FEWEST = 256  # cells that are never left out
AT_ONCE = 64  # cells whose saliency is computed at once
ROUNDING = 1 + 1e-4  # a bound in float32 still is one


class SeenCells:
    """What the cells of an image see, the pooled output, and its entropy.

    Args:
        raw: of the cells' logits, [cells, sum(heads)].
        tensor: what the raw values stand for.
        heads: number of categories of each softmax: of lengths from 0 on, and of every position.
        saliency_heads: indices of the softmaxes whose entropies are summed; positions alone.
        fewest: cells that are never left out.

    Attributes:
        log_probabilities: of the pooled output, [sum(heads)].
        entropy: of it, in nats.
        kept: indices of the cells that are not left out, [kept].
        weights: their shares, [kept].
        greatest_left_out: the greatest share of a cell that is left out; 0 where there is none.
    """

    def __init__(self, raw, tensor: Tensor, heads, saliency_heads, fewest: int = FEWEST):
        self._made_of = raw, tensor, heads, saliency_heads
        lengths, count = heads[0], len(raw)
        absent, present, self.rest = _length_parts(tensor.dequantize(raw[:, :lengths]))
        shares = np.exp(present - present.max())
        shares /= shares.sum()
        least = np.partition(shares, -fewest)[-fewest] if fewest < count else 0.0
        self.kept = (shares >= min(SLIGHT / count, least)).nonzero()[0]
        self.weights = shares[self.kept]
        self.greatest_left_out = float(np.delete(shares, self.kept).max(initial=0.0))
        self.absent = np.exp(absent[self.kept])
        self.rest = self.rest[self.kept]
        self.positions = Predictions(tensor.dequantize(raw[self.kept, lengths:]), heads[1:])
        seen = np.log(np.maximum(self.weights @ self.rest, np.finfo(np.float32).tiny)) + present.max()
        pooled = log_means(self.positions, self.weights)
        self.log_probabilities = np.concatenate([[absent.min()], seen, pooled]).astype(np.float32)
        self.counted = np.isin(np.repeat(np.arange(1, len(heads)), heads[1:]), saliency_heads)
        self.entropy = float(entropies(pooled, heads[1:])[np.array(saliency_heads) - 1].sum())

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self._made_of[0])

    def with_all(self) -> "SeenCells":
        """Returns the same with no cell left out."""
        return SeenCells(*self._made_of, fewest=self.count)


def _length_parts(logits):
    """Returns of every cell the log-probability of nothing, that of something, and the lengths given something.

    [cells, 1 + lengths] -> [cells], [cells], [cells, lengths].
    """
    nothing, lengths = logits[:, 0], logits[:, 1:]
    peak = lengths.max(axis=1)
    exponentials = np.exp(lengths - peak[:, None])
    sums = exponentials.sum(axis=1)
    something = peak + np.log(sums)
    both = np.logaddexp(nothing, something)
    return nothing - both, something - both, exponentials / sums[:, None]


class PresenceSaliency:
    """The norm of the gradient of the pooled output's entropy H at every cell, in closed form.

    P being the pooled probabilities of the positions, let u = dH/dP = -log P - 1 on those that count and 0 elsewhere.
    The logits of the positions of a cell of weight w, whose probabilities are p, receive w p (u - <u, p>). The weight
    is proportional to the cell's presence a: dH/d log a = w (<u, p> - <u, P>) =: g. Let q be the probability of nothing
    and r those of the lengths given that there is something: the logit of nothing receives -g q, that of a length
    g q r. The cell's vector receives all that times the transposed weights.

    No more is computed than is needed to find the k most salient cells. The norm at the logits times the greatest
    singular value of the weights is a bound, and so is a cell's weight times what depends on P alone: cells whose bound
    is below the k-th saliency found have a saliency of 0 here.

    Args:
        dense: [D, sum(heads)], or [., sum(heads)] with the same products of its columns.
    """

    def __init__(self, dense):
        self.dense = dense.astype(np.float32)
        self.greatest = float(np.linalg.norm(self.dense.astype(np.float64), 2))

    def __call__(self, cells: SeenCells, num_patches: int) -> np.ndarray:
        """Returns the saliency, [cells]: exact for the `num_patches` most salient cells, and for others exact or 0."""
        found = np.zeros(cells.count, np.float32)
        to_logits = self._to_logits(cells)
        bound = np.sqrt(np.einsum("lc,lc->c", to_logits, to_logits)) * self.greatest * ROUNDING
        order = (-bound).argsort(kind="stable")
        computed, least = np.empty(0, np.float32), -1.0
        for start in range(0, len(order), AT_ONCE):
            if bound[order[start]] < least:
                break
            chosen = order[start : start + AT_ONCE]
            gradient = small_product(np.ascontiguousarray(to_logits[:, chosen].T), self.dense.T)
            norms = np.sqrt(np.einsum("cd,cd->c", gradient, gradient))
            found[cells.kept[chosen]] = norms
            computed = np.concatenate([computed, norms])
            if len(computed) >= num_patches:
                least = float(np.partition(computed, -num_patches)[-num_patches])
        if len(cells.kept) < cells.count and self._may_be_more(cells, least):
            return self(cells.with_all(), num_patches)
        return found

    def _to_logits(self, cells: SeenCells):
        """Returns dH/dlogits: [sum(heads), kept]."""
        probabilities, head_of = cells.positions.probabilities, cells.positions.head_of
        to_pooled = _to_pooled(cells)[:, None]
        along = cells.positions.of_heads(np.add, probabilities * to_pooled)  # <u, p>: [positions, kept]
        to_positions = cells.weights * probabilities * (to_pooled - along[head_of])
        whole = along.sum(axis=0)
        to_presence = cells.weights * (whole - cells.weights @ whole) * cells.absent
        return np.concatenate([-to_presence[None], to_presence * cells.rest.T, to_positions])

    def _may_be_more(self, cells: SeenCells, least: float) -> bool:
        """Returns whether a cell that was left out may be as salient as `least`."""
        to_pooled, starts = _to_pooled(cells), np.cumsum([0, *cells.positions.heads[:-1]])
        ranges = np.maximum.reduceat(to_pooled, starts) - np.minimum.reduceat(to_pooled, starts)
        most = np.sqrt(np.square(ranges).sum() + 2 * np.square(ranges.sum())) * self.greatest * ROUNDING
        return cells.greatest_left_out * most >= least


def _to_pooled(cells: SeenCells):
    """Returns dH/dP of the positions' pooled probabilities: [sum of their categories] float32."""
    pooled = cells.log_probabilities[-len(cells.counted) :]
    return np.where(cells.counted, -pooled - 1, 0).astype(np.float32)
