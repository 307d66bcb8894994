"""Other ways to choose cells than by saliency, to compare with it. Each is a score per cell; the highest are chosen."""

import tensorflow as tf

from dcn_tf.architecture import SELECTORS, SEQUENCE, SEQUENCE_SELECTORS
from dcn_tf.geometry import Geometry
from dcn_tf.losses import negative_log_likelihood
from dcn_tf.saliency import heads_entropy


def cell_scores(name: str, model, glance: dict, image_size, labels, boxes, seed):
    """Returns how much a selector wants each cell.

    Args:
        name: 'entropy_gradient' (the network's own saliency), 'average_gradient' (sequences alone: the saliency of the
            averaged coarse output, which is the paper's, whatever the network's own pooling), 'activation_norm' (the
            L2 norm of the coarse vector), 'confidence' (cells whose own coarse prediction has the lowest entropy; a
            classifier's is that of the surest window of its top that the cell is in, see `window_confidence`),
            'random', 'centre' (nearest to the image's centre first), 'loss_gradient' (the L2 norm of the gradient of
            -log p(true labels) of the coarse output) or 'oracle' (nearest to the centre of the true box first).
        model: a `DynamicCapacityNetwork`.
        glance: what `model.glance` returned.
        image_size: (height, width) in pixels, integers or scalar tensors.
        labels: [batch, heads] integer; of the loss gradient alone.
        boxes: [batch, 4] float, (left, top, right, bottom) in pixels of the image; the oracle's alone.
        seed: two integers; of the random selector alone.

    Returns:
        [batch, h, w].

    Raises:
        ValueError: the name is unknown, or belongs to sequences alone.
    """
    features, top = glance["coarse_features"], model.coarse_top
    shape = tf.shape(glance["saliency"])
    if name in SEQUENCE_SELECTORS and model.architecture.task != SEQUENCE:
        raise ValueError(f"the selector {name!r} belongs to sequences; classifiers have no output that is averaged")
    if name == "entropy_gradient":
        return glance["saliency"]
    if name == "average_gradient":
        return _gradient_norm(lambda features: top.entropy(top(features, weighting="average")), features)
    if name == "loss_gradient":
        heads = model.architecture.top.heads
        return _gradient_norm(
            lambda features: negative_log_likelihood(top(features, coarse_pass=True), labels, heads), features
        )
    if name == "activation_norm":
        return tf.norm(features, axis=-1)
    if name == "confidence":
        if model.architecture.task != SEQUENCE:
            return window_confidence(top, features)
        spec = model.architecture.top
        return -heads_entropy(top.cell_logits(features), spec.heads, spec.saliency_heads)
    if name == "random":
        return tf.random.stateless_uniform(shape, seed)
    if name == "centre":
        centre = tf.cast(tf.stack(image_size), tf.float32) / 2
        return nearness(model.coarse.geometry, shape, tf.tile(centre[None], [shape[0], 1]))
    if name == "oracle":
        centres = tf.stack([boxes[:, 1] + boxes[:, 3], boxes[:, 0] + boxes[:, 2]], axis=1) / 2
        return nearness(model.coarse.geometry, shape, centres)
    raise ValueError(f"selector must be one of {', '.join(SELECTORS)}. Received: {name!r}")


def _gradient_norm(function, features):
    """Returns the L2 norm of the gradient of a function's value at every cell: [batch, h, w, D] -> [batch, h, w]."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(features)
        value = function(features)
    return tf.norm(tape.gradient(value, features), axis=-1)


def window_confidence(top, features):
    """Returns how sure a classifier is of each cell, from windows of its top alone.

    Each position of the top's convolution sees one window of cells. What the classifier would answer if that were all
    it saw has an entropy; a cell's score is minus the lowest of the windows that hold it, and minus infinity where
    none does.

    Args:
        top: a `ClassifierTop`.
        features: coarse vectors, [batch, h, w, D].

    Returns:
        [batch, h, w], in nats.
    """
    conv = top.spec.conv
    certainty = -top.entropy(top.dense(top.activation_map(features, coarse_pass=True)))  # [batch, h', w']
    shape = tf.shape(features)
    for axis in (1, 0):
        certainty = _most_over_windows(
            certainty, conv.kernel[axis], conv.strides[axis], conv.padding[axis][0], shape[1 + axis]
        )
        certainty = tf.transpose(certainty, [0, 2, 1])  # after the second time as it was
    return certainty


def _most_over_windows(values, kernel: int, stride: int, padding: int, size):
    """Returns the largest value of the windows that hold each position of the last axis: [..., n'] -> [..., n]."""
    starts = tf.range(tf.shape(values)[-1]) * stride - padding
    offset = tf.range(size)[:, None] - starts[None]  # [n, n']
    holds = (offset >= 0) & (offset < kernel)
    return tf.reduce_max(tf.where(holds, values[..., None, :], float("-inf")), axis=-1)


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
