"""How sure the errors of a network's rows are, and how they compare with its fine model on the same images."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from dcn_tf.losses import decode
from train.data.dataset import Split
from train.evaluation.reader import Reader
from train.evaluation.rows import possible_counts
from train.evaluation.significance import intervals, paired


class Intervals:
    """Yields how sure the errors of a reader's rows are, at its scale.

    'interval/dcn/8' is the error's interval in percent, [low, high]. 'against_fine/dcn/8' compares the row with the
    fine model over the whole image, on the same images (`paired`).

    Args:
        reader: whose rows are judged, but those of other selectors.
    """

    def __init__(self, reader: Reader):
        self.reader = reader

    def __call__(self, split: Split) -> Iterator[tuple[str, list | dict]]:
        """Yields (name, value) for a split."""
        wrong = self._wrong(split)
        for row, interval in intervals(wrong, split.sources).items():
            yield f"interval/{row}", interval
        for row in wrong:
            if row.startswith("dcn/") and "fine" in wrong:
                yield f"against_fine/{row}", paired(wrong[row], wrong["fine"], split.sources)

    def _wrong(self, split: Split) -> dict[str, np.ndarray]:
        """Returns row -> bool [n]: which images are read wrong."""
        counts = possible_counts(self.reader.model, self.reader.num_patches, split, self.reader.scale)
        heads, found = self.reader.model.architecture.top.heads, {}
        for row, probabilities in self.reader(split).items():
            name, _, num_patches = row.partition("/")
            if name in ("box", *self.reader.selectors) or (num_patches and int(num_patches) not in counts):
                continue
            answers = decode(tf.constant(probabilities), heads).numpy()
            found[row] = (answers != split.labels).any(axis=1)
        return found
