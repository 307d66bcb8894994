"""The work that images took: which models ran, on how many patches, and how many multiplications that makes."""

import io
import math
from collections import Counter

import numpy as np

from edge.bundle import SALIENCY_FILE, Bundle
from edge.comparison.variants import COARSE, DCN, Variant
from edge.energy.operations import bundle_operations
from edge.errors import UserError
from edge.network.tops import top_of


def shares(variant: Variant, outcomes) -> dict[tuple, float]:
    """Returns what share of the images took which work: (models, number of patches, has saliency) -> share.

    Args:
        variant: how they were read.
        outcomes: what came of each, `edge.comparison.race.Outcome`.
    """
    two_stage = variant.models == DCN
    counts = Counter(
        (
            COARSE if two_stage and not outcome.num_patches else variant.models,
            outcome.num_patches,
            outcome.has_saliency,
        )
        for outcome in outcomes
    )
    return {work: count / len(outcomes) for work, count in counts.items()}


def mean_multiplications(bundle: Bundle, parts: dict) -> int | None:
    """Returns the multiplications of an image, the mean over shares of work; None where an operator is not understood.

    Zeros that a model multiplies by count. So does the saliency: for classifiers the top's kernels once, its closed
    form; for sequences a product with `dense` for every cell.

    Args:
        bundle: whose models ran.
        parts: see `shares`.
    """
    total = sum(share * _multiplications(bundle, *work) for work, share in parts.items())
    return None if math.isnan(total) else round(total)


def _multiplications(bundle, models, num_patches, has_saliency) -> float:
    total = sum(_of_model(bundle, name, num_patches or 1) for name in models)
    return total + (_of_saliency(bundle) if has_saliency else 0)


def _of_saliency(bundle) -> int:
    """Returns the multiplications of the saliency's closed form."""
    with np.load(io.BytesIO(bundle.files[SALIENCY_FILE]), allow_pickle=False) as weights:
        return top_of(bundle.manifest).saliency_multiplications(bundle.manifest, weights)


def _of_model(bundle, name, num_patches) -> float:
    """Returns a model's multiplications, NaN where they are not known."""
    try:
        found = bundle_operations(bundle, num_patches)[name].multiply_accumulates
    except UserError:  # nothing is installed that reads .tflite files
        return math.nan
    return math.nan if found.at_least else found.value
