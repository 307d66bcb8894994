"""Multiplications that every model spends on the images of a split."""

from collections.abc import Iterator

import numpy as np

from dcn_tf.cost import dcn_cost, whole_multiplications
from dcn_tf.geometry import read_size
from dcn_tf.model import DynamicCapacityNetwork
from train.data.dataset import Split
from train.evaluation.rows import figure, possible_counts, stacks, whole_rows


class Cost:
    """Yields the multiplications of the mean image for every row of `Errors`.

    'multiplications/dcn/8' is at the first scale, 'scales/2/multiplications/dcn/8' over the first two together.

    Args:
        num_patches: the numbers of patches at each scale; where an image has fewer cells, all of them.
        trained: 'dcn' (everything), or the one of 'coarse' and 'fine' that was trained.
    """

    def __init__(self, model: DynamicCapacityNetwork, num_patches, scales=(1.0,), trained: str = "dcn"):
        self.model = model
        self.num_patches = tuple(sorted(num_patches)) if trained == "dcn" else ()
        self.scales = tuple(scales)
        self.trained = trained

    def __call__(self, split: Split) -> Iterator[tuple[str, int]]:
        """Yields (name, multiplications) for a split."""
        rows = [row for stack in stacks(self.trained) for row in whole_rows(self.model.architecture, stack)]
        rows += [f"dcn/{k}" for k in possible_counts(self.model, self.num_patches, split, self.scales[0])]
        totals = dict.fromkeys(rows, 0)
        for count, scale in enumerate(self.scales, 1):
            for row in rows:
                totals[row] += self._total(row, split, scale)
                yield figure("multiplications", count, row), round(totals[row] / len(split))

    def _total(self, row: str, split: Split, scale: float) -> int:
        sizes, images = np.unique(split.sizes(), axis=0, return_counts=True)
        total = 0
        for size, count in zip(sizes.tolist(), images.tolist()):
            total += count * multiplications(self.model, row, read_size(self.model.architecture, size, scale))
        return total


def multiplications(model: DynamicCapacityNetwork, row: str, image_size) -> int:
    """Returns the multiplications of one image of `image_size` (height, width) for the model of a row."""
    if row.startswith("dcn/"):
        num_patches = min(int(row.partition("/")[2]), model.num_cells(image_size))
        return dcn_cost(model.architecture, num_patches, image_size).total
    stack = "coarse" if row in ("coarse", "soft_attention") else "fine"
    return whole_multiplications(model.architecture, stack, image_size)
