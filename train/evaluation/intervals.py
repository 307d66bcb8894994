"""Intervals of the errors of a network's rows, and comparisons with its fine model on the same images."""

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
        num_patches: of those that the reader answers from.
        fine_pixels: what the fine model reads as a whole, see `Reader.fine`.
    """

    def __init__(self, reader: Reader, num_patches, fine_pixels: int | None = None):
        self.reader = reader
        self.num_patches = tuple(num_patches)
        self.fine_pixels = fine_pixels

    def __call__(self, split: Split) -> Iterator[tuple[str, list | dict]]:
        """Yields (name, value) for a split."""
        counts = possible_counts(self.reader.model, self.num_patches, split, self.reader.scale)
        rows = self.reader(split)
        selected = {row: rows[row] for row in rows if "/" not in row or row in {f"dcn/{k}" for k in counts}}
        heads = self.reader.model.architecture.top.heads
        wrong, fine = (
            wrong_rows(found, split, heads) for found in (selected, self.reader.fine(split, self.fine_pixels))
        )
        first = split.head(len(next(iter(fine.values())))) if fine else split  # those that the fine model read
        for judged, images in ((wrong, split), (fine, first)):
            for row, interval in (intervals(judged, images.sources) if judged else {}).items():
                yield f"interval/{row}", interval
        for row in wrong:
            if row.startswith("dcn/") and "fine" in fine:
                yield f"against_fine/{row}", paired(wrong[row][: len(first)], fine["fine"], first.sources)


def wrong_rows(rows: dict[str, np.ndarray], split: Split, heads) -> dict[str, np.ndarray]:
    """Returns which images, the first of a split, are read wrong: row -> probabilities -> row -> bool [n].

    Args:
        rows: as of `Reader`.
        heads: of the network's top.
    """
    answers = {row: decode(tf.constant(probabilities), heads).numpy() for row, probabilities in rows.items()}
    return {row: (answer != split.labels[: len(answer)]).any(axis=1) for row, answer in answers.items()}
