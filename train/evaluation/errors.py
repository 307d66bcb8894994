"""Errors of every model on a split, at one scale and averaged over several."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from dcn_tf.losses import decode
from dcn_tf.model import DynamicCapacityNetwork
from train.data.dataset import Split
from train.distribution import ALONE, Distribution
from train.evaluation.reader import Reader
from train.evaluation.rows import figure, possible_counts


class Errors:
    """Yields the error of every row in percent: the share of images of which any head is wrong.

    Rows are 'coarse', 'fine', 'dcn/8' (8 patches at each scale); for sequences 'soft_attention' and
    'fine_inverse_entropy' (cells weigh by the inverse of their entropy) as well. 'error/dcn/8' is at the first scale,
    'scales/2/error/dcn/8' of the predictions averaged over the first two. 'selectors/random/8' is at the first scale:
    the same network, looking elsewhere.

    Args:
        model: a `DynamicCapacityNetwork`.
        num_patches: the numbers of patches to answer from; where an image has fewer cells, all of them.
        scales: of the images.
        selectors: names of `dcn_tf.selectors.SELECTORS` to compare with.
        trained: 'dcn' (everything), or the one of 'coarse' and 'fine' that was trained.
        replicas: batches of images that are read side by side.
        shared: what the images are shared out to.
    """

    def __init__(
        self,
        model: DynamicCapacityNetwork,
        num_patches,
        scales=(1.0,),
        selectors=(),
        trained: str = "dcn",
        replicas: int = 1,
        shared: Distribution = ALONE,
    ):
        self.model = model
        self.readers = [
            Reader(model, num_patches, scale, selectors if i == 0 else (), trained, replicas, shared=shared)
            for i, scale in enumerate(scales)
        ]

    def __call__(self, split: Split) -> Iterator[tuple[str, float]]:
        """Yields (name, percent) for a split; rows that it has too few cells for, or no boxes, are left out."""
        first = self.readers[0]
        counts = possible_counts(self.model, first.num_patches, split, first.scale)
        sums = {}
        for scales, reader in enumerate(self.readers, 1):
            for row, probabilities in reader(split).items():
                selector, _, num_patches = row.partition("/")
                too_many = num_patches and int(num_patches) not in counts
                if too_many or selector == "box" or (selector == "oracle" and split.boxes is None):
                    continue
                if selector in reader.selectors:
                    yield f"selectors/{row}", self._error(probabilities, split.labels)
                else:
                    sums[row] = sums.get(row, 0) + probabilities
                    yield figure("error", scales, row), self._error(sums[row], split.labels)

    def _error(self, probabilities: np.ndarray, labels: np.ndarray) -> float:
        wrong = decode(tf.constant(probabilities), self.model.architecture.top.heads).numpy() != labels
        return round(100.0 * float(wrong.any(axis=1).mean()), 4)
