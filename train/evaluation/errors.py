"""Errors of every model on a split, at one scale and averaged over several."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from dcn_tf.losses import decode
from train.data.dataset import Split
from train.evaluation.reader import Reader
from train.evaluation.rows import figure, possible_counts


class Errors:
    """Yields the error of every row in percent: the share of images of which any head is wrong.

    Rows are 'coarse', 'fine', 'dcn/8' (8 patches at each scale); for sequences 'soft_attention' and
    'fine_inverse_entropy' (cells weigh by the inverse of their entropy) as well. 'error/dcn/8' is at the first scale,
    'scales/2/error/dcn/8' of the predictions averaged over the first two. 'selectors/random/8' is at the first scale:
    the same network, looking elsewhere. Where the fine model read fewer images than there are, 'images/fine' is their
    number.

    Args:
        readers: of the same network, one for each scale.
        num_patches: the numbers of patches to tell of, of those that the readers answer from.
        selectors: names of `dcn_tf.selectors.SELECTORS` to compare with.
        fine_pixels: what the fine model reads as a whole, see `Reader.fine`. Its errors are those of these images.
    """

    def __init__(self, readers: Sequence[Reader], num_patches, selectors=(), fine_pixels: int | None = None):
        self.readers = list(readers)
        self.model = self.readers[0].model
        self.num_patches = tuple(num_patches)
        self.selectors = tuple(selectors)
        self.fine_pixels = fine_pixels

    def __call__(self, split: Split) -> Iterator[tuple[str, float]]:
        """Yields (name, percent) for a split; rows that it has too few cells for, or no boxes, are left out."""
        counts = possible_counts(self.model, self.num_patches, split, self.readers[0].scale)
        sums = {}
        for scales, reader in enumerate(self.readers, 1):
            selectors = self.selectors if scales == 1 else ()
            for row, probabilities in self._rows(reader, split, selectors):
                selector, _, num_patches = row.partition("/")
                too_many = num_patches and int(num_patches) not in counts
                if too_many or selector == "box" or (selector == "oracle" and split.boxes is None):
                    continue
                if selector in selectors:
                    yield f"selectors/{row}", self._error(probabilities, split.labels)
                elif not num_patches or selector == "dcn":
                    sums[row] = sums.get(row, 0) + probabilities
                    yield figure("error", scales, row), self._error(sums[row], split.labels)
                if scales == 1 and len(probabilities) < len(split):
                    yield f"images/{row}", len(probabilities)

    def _rows(self, reader: Reader, split: Split, selectors) -> Iterator[tuple[str, np.ndarray]]:
        """Yields (row, probabilities): the coarse rows, the fine ones, then those of the selected patches."""
        selected = reader(split, selectors)
        whole = {name: row for name, row in selected.items() if "/" not in name}
        rows = whole | reader.fine(split, self.fine_pixels) | selected
        yield from rows.items()

    def _error(self, probabilities: np.ndarray, labels: np.ndarray) -> float:
        """Returns the error of the images that were read, the first ones, in percent."""
        guesses = decode(tf.constant(probabilities), self.model.architecture.top.heads).numpy()
        wrong = guesses != labels[: len(guesses)]
        return round(100.0 * float(wrong.any(axis=1).mean()), 4)
