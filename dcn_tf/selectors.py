"""Other ways to choose cells than by saliency, to compare with it. Each is a score per cell; the highest are chosen."""

import tensorflow as tf

from dcn_tf.architecture import PER_CELL_SELECTORS, SELECTORS
from dcn_tf.geometry import Geometry
from dcn_tf.saliency import heads_entropy


def cell_scores(name: str, model, glance: dict, image_size, boxes, seed):
    """Returns how much a selector wants each cell.

    Args:
        name: 'entropy_gradient' (the network's own saliency), 'average_gradient' (sequences alone: the saliency of the
            averaged coarse output, which is the paper's, whatever the network's own pooling), 'random', 'centre'
            (nearest to the image's centre first), 'confidence' (sequences alone: cells whose own coarse prediction has
            the lowest entropy) or 'oracle' (nearest to the centre of the true box first).
        model: a `DynamicCapacityNetwork`.
        glance: what `model.glance` returned.
        image_size: (height, width) in pixels, integers or scalar tensors.
        boxes: [batch, 4] float, (left, top, right, bottom) in pixels of the image; the oracle's alone.
        seed: two integers; of the random selector alone.

    Returns:
        [batch, h, w].

    Raises:
        ValueError: the name is unknown, or the model has no prediction per cell.
    """
    shape = tf.shape(glance["saliency"])
    if name == "entropy_gradient":
        return glance["saliency"]
    if name == "random":
        return tf.random.stateless_uniform(shape, seed)
    if name == "centre":
        centre = tf.cast(tf.stack(image_size), tf.float32) / 2
        return nearness(model.coarse.geometry, shape, tf.tile(centre[None], [shape[0], 1]))
    if name == "oracle":
        centres = tf.stack([boxes[:, 1] + boxes[:, 3], boxes[:, 0] + boxes[:, 2]], axis=1) / 2
        return nearness(model.coarse.geometry, shape, centres)
    if name in PER_CELL_SELECTORS:
        top = model.architecture.top
        if not hasattr(model.coarse_top, "cell_logits"):
            raise ValueError(f"the selector {name!r} needs a prediction per cell, which classifiers do not have")
        if name == "average_gradient":
            return _average_saliency(model.coarse_top, glance["coarse_features"])
        return -heads_entropy(model.coarse_top.cell_logits(glance["coarse_features"]), top.heads, top.saliency_heads)
    raise ValueError(f"selector must be one of {', '.join(SELECTORS)}. Received: {name!r}")


def _average_saliency(top, features):
    """Returns the saliency of a sequence top's output, were its cells averaged: [batch, h, w, D] -> [batch, h, w]."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(features)
        output_entropy = top.entropy(top(features, weighting="average"))
    return tf.norm(tape.gradient(output_entropy, features), axis=-1)


def nearness(geometry: Geometry, shape, points):
    """Returns minus the squared distance of each cell's centre to a point: [batch, h, w], in square pixels.

    Args:
        geometry: of the stack whose cells they are.
        shape: (batch, h, w), integers or a tensor.
        points: [batch, 2] float, (row, column) in pixels.
    """
    distance = 0.0
    for axis, count in enumerate((shape[1], shape[2])):
        start = geometry.offset[axis] + geometry.field[axis] / 2
        centres = start + tf.cast(tf.range(count), tf.float32) * geometry.stride[axis]
        along = tf.square(centres[None] - points[:, axis, None])  # [batch, h] or [batch, w]
        distance += along[:, :, None] if axis == 0 else along[:, None, :]
    return -distance
