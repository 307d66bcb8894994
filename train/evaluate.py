"""Evaluators: each yields (name, error in percent) and knows nothing of the loop."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from dcn_tf.cost import dcn_cost, whole_multiplications
from dcn_tf.losses import decode
from dcn_tf.model import DynamicCapacityNetwork
from train.data.dataset import Split
from train.data.pipeline import to_float

BATCH = 100


def error_percent(predict, split: Split, heads) -> float:
    """Returns the share of images, in percent, of which any head's prediction is wrong.

    Args:
        predict: images [batch, H, W, C] in [0, 1] -> logits [batch, sum(heads)].
        split: what to evaluate on.
        heads: number of categories of each head.
    """
    image_spec = tf.TensorSpec([None, *split.images.shape[1:]], tf.uint8)
    label_spec = tf.TensorSpec([None, *split.labels.shape[1:]], tf.int32)

    @tf.function(input_signature=[image_spec, label_spec])
    def wrong(images, labels):
        differing = tf.reduce_any(decode(predict(to_float(images)), heads) != labels, axis=-1)
        return tf.reduce_sum(tf.cast(differing, tf.int32))

    count = sum(
        int(wrong(tf.constant(split.images[i : i + BATCH]), tf.constant(split.labels[i : i + BATCH])))
        for i in range(0, len(split), BATCH)
    )
    return round(100.0 * count / len(split), 4)


def evaluate_whole(model: DynamicCapacityNetwork, name: str, split: Split) -> Iterator[tuple[str, float]]:
    """Yields the error of the 'coarse' or 'fine' model; for sequences, pooled by inverse entropy as well."""
    whole = model.whole_model(name)
    heads = model.architecture.top.heads
    yield name, error_percent(lambda images: whole(images)["logits"], split, heads)
    if model.architecture.task == "sequence":
        soft = "soft_attention" if name == "coarse" else "fine_inverse_entropy"
        yield soft, error_percent(lambda images: whole(images, weighting="inverse_entropy")["logits"], split, heads)


def evaluate_dcn(model: DynamicCapacityNetwork, split: Split, num_patches) -> Iterator[tuple[str, float]]:
    """Yields the error at each number of patches, as ('dcn/8', error); numbers beyond the cells are left out."""
    heads = model.architecture.top.heads
    cells = model.num_cells(split.images.shape[1:3])
    for k in num_patches:
        if k <= cells:
            yield f"dcn/{k}", error_percent(lambda images, k=k: model(images, num_patches=k)["logits"], split, heads)


def evaluate(model: DynamicCapacityNetwork, split: Split, num_patches, trained="dcn") -> Iterator[tuple[str, float]]:
    """Yields all errors of what was trained: 'dcn' gives coarse, fine and every number of patches."""
    for name in ("coarse", "fine"):
        if trained in ("dcn", name):
            yield from evaluate_whole(model, name, split)
    if trained == "dcn":
        yield from evaluate_dcn(model, split, num_patches)


def nest(errors: dict[str, float]) -> dict:
    """Returns errors as `result.json` has them: 'dcn/8' becomes ['dcn']['8']."""
    nested = {}
    for name, value in errors.items():
        *outer, last = name.split("/")
        target = nested
        for key in outer:
            target = target.setdefault(key, {})
        target[last] = value
    return nested


def multiplications(model: DynamicCapacityNetwork, names) -> dict[str, int]:
    """Returns the multiplications of one image for each evaluated name."""
    architecture = model.architecture
    counts = {}
    for name in names:
        if name.startswith("dcn/"):
            counts[name] = dcn_cost(architecture, int(name.partition("/")[2])).total
        else:
            stack = "coarse" if name in ("coarse", "soft_attention") else "fine"
            counts[name] = whole_multiplications(architecture, stack)
    return counts


def format_table(errors: dict[str, float], counts: dict[str, int], images: int) -> str:
    """Returns the table that a run prints."""
    rows = [f"{'model':<24} {'error, %':>9} {'million multiplications':>24}"]
    for name, error in errors.items():
        label = name.replace("dcn/", "dcn, patches: ").replace("_", " ")
        rows.append(f"{label:<24} {error:>9.2f} {counts[name] / 1e6:>24.2f}")
    return "\n".join([*rows, f"({images} test images)"])


def sample_outputs(model: DynamicCapacityNetwork, images: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the model's named outputs for uint8 images, as arrays: for pictures."""
    return {name: value.numpy() for name, value in model(to_float(tf.constant(images))).items()}
