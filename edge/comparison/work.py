"""The work that images took: which models ran, on how many patches, and how many multiplications that makes."""

import math
from collections import Counter

from edge.bundle import Bundle
from edge.comparison.variants import COARSE, DCN, Variant
from edge.energy.operations import FRAME, bundle_operations, level_operations
from edge.errors import UserError
from edge.network.pyramid import level_sizes
from edge.network.runner import saliency_weights
from edge.network.tops import top_of


def shares(variant: Variant, outcomes) -> dict[tuple, float]:
    """Returns what share of the images took which work: (models, number of patches, has saliency, size) -> share."""
    two_stage = variant.models == DCN
    counts = Counter(
        (
            COARSE if two_stage and not outcome.num_patches else variant.models,
            outcome.num_patches,
            outcome.has_saliency,
            outcome.size,
        )
        for outcome in outcomes
    )
    return {work: count / len(outcomes) for work, count in counts.items()}


def mean_multiplications(bundle: Bundle, parts: dict, stretch: float = 1.0) -> int | None:
    """Returns the multiplications of an image, the mean over shares of work; None where an operator is not understood.

    Zeros that a model multiplies by count. So does the saliency: for classifiers the top's kernels once, its closed
    form; for sequences a product with `dense` for every cell, which with levels most cells are spared. `stretch` is
    that of `edge.energy.operations.bundle_operations`.
    """
    total = sum(share * _multiplications(bundle, stretch, *work) for work, share in parts.items())
    return None if math.isnan(total) else round(total)


def _multiplications(bundle, stretch, models, num_patches, has_saliency, size=None) -> float:
    """Returns the multiplications of one image, NaN where they are not known."""
    size = size or FRAME
    try:
        operations = bundle_operations(bundle, num_patches or 1, size, stretch)
        saliency = _of_saliency(bundle, size, stretch) if has_saliency else 0
    except UserError:  # nothing is installed that reads .tflite files
        return math.nan
    found = [operations[name].multiply_accumulates for name in models]
    return math.nan if any(one.at_least for one in found) else sum(one.value for one in found) + saliency


def _of_saliency(bundle, size, stretch) -> int:
    """Returns the multiplications of the saliency's closed form."""
    manifest = bundle.manifest
    weights = saliency_weights(bundle)
    if not manifest.levels:
        return top_of(manifest).saliency_multiplications(manifest, weights)
    sizes = level_sizes(size, manifest, stretch=stretch)
    maps = [level_operations(bundle, "coarse", level).operations[-1].shape for level in sizes]
    return sum(math.prod(shape[:-1]) for shape in maps if shape) * weights["dense"].size
