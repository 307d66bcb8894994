"""Other ways to choose cells than by saliency, to compare with it. Each is a score per cell; the highest are chosen."""

import tensorflow as tf

from dcn_tf.architecture import SELECTORS, SEQUENCE_SELECTORS
from dcn_tf.geometry import Geometry, PatchGrid
from dcn_tf.losses import negative_log_likelihood
from dcn_tf.pyramid import boxes_in_image, cells_at, flat
from dcn_tf.saliency import heads_entropy

BOX_MARGIN = 0.03  # of a patch's sides, that a box within it keeps from its border


def cell_scores(name: str, model, glance: dict, image_size, labels, boxes, seed):
    """Returns how much a selector wants each cell; ValueError where the name is unknown, or belongs to sequences alone.

    Args:
        name: 'entropy_gradient' (the network's own saliency), 'average_gradient' (sequences alone: the saliency of the
            averaged coarse output, which is the paper's, whatever the network's own pooling), 'activation_norm' (the
            L2 norm of the coarse vector), 'confidence' (cells whose own coarse prediction has the lowest entropy; a
            classifier's is that of the surest window of its top that the cell is in, see `window_confidence`),
            'random', 'centre' (nearest to the image's centre first), 'loss_gradient' (the L2 norm of the gradient of
            -log p(true labels) of the coarse output) or 'oracle' (nearest to the centre of the true box first; with a
            pyramid those first whose patch holds the box and is best filled by it, see `box_fit`).
        image_size: (height, width) in pixels, integers or scalar tensors.
        labels: [batch, heads] integer; of the loss gradient alone.
        boxes: [batch, 4] float, (left, top, right, bottom) in pixels of the image; the oracle's alone.
        seed: two integers; of the random selector alone.

    Returns:
        [batch, h, w]; with a pyramid [batch, cells].
    """
    features, top = glance["coarse_features"], model.coarse_top
    shape = tf.shape(glance["saliency"])
    if name in SEQUENCE_SELECTORS and model.architecture.top.swaps:
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
        spec = model.architecture.top
        if spec.swaps:
            return window_confidence(top, features)
        return -heads_entropy(top.cell_logits(features), spec.heads, spec.saliency_heads)
    if name == "random":
        return tf.random.stateless_uniform(shape, seed)
    if name == "centre":
        centre = tf.cast(tf.stack(image_size), tf.float32) / 2
        return _place_scores(model, glance, tf.tile(centre[None], [shape[0], 1]))
    if name == "oracle":
        centres = tf.stack([boxes[:, 1] + boxes[:, 3], boxes[:, 0] + boxes[:, 2]], axis=1) / 2
        near = _place_scores(model, glance, centres)
        return box_fit(model.patch_grid, glance, boxes, near) if model.architecture.has_pyramid else near
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


def _place_scores(model, glance: dict, points):
    """Returns minus each cell's squared distance to a point [batch, 2] of the image, on every level."""
    geometry = model.coarse.geometry
    if not model.architecture.has_pyramid:
        return nearness(geometry, tf.shape(glance["saliency"]), points)
    batch, sizes = tf.shape(points)[0], glance["map_sizes"]
    return flat(
        [
            nearness(geometry, (batch, sizes[i, 0], sizes[i, 1]), points, level.start, level.zoom)
            for i, level in enumerate(glance["levels"])
        ]
    )


def nearness(geometry: Geometry, shape, points, start=(0, 0), zoom=(1, 1)):
    """Returns minus the squared distance of each cell's centre to a point: [batch, h, w], in square pixels.

    Args:
        geometry: of the stack whose cells they are.
        shape: (batch, h, w), integers or a tensor.
        points: [batch, 2] float, (row, column) in pixels of the image.
        start, zoom: of the level that the cells are of (`pyramid.Level`).
    """
    distance = 0.0
    for axis, count in enumerate((shape[1], shape[2])):
        first = geometry.offset[axis] + geometry.field[axis] / 2 - tf.cast(start[axis], tf.float32)
        centres = (first + tf.cast(tf.range(count), tf.float32) * geometry.stride[axis]) / zoom[axis]
        along = tf.square(centres[None] - points[:, axis, None])  # [batch, h] or [batch, w]
        distance += along[:, :, None] if axis == 0 else along[:, None, :]
    return -distance


def box_fit(grid: PatchGrid, glance: dict, boxes, near):
    """Returns how well the patch of each cell of a pyramid shows a box: [batch, cells].

    First come the cells whose patch holds the whole box with a margin (`BOX_MARGIN`), of these first those of the level
    in which the box fills most of a patch; then the others, of these first those of the level in which the box would
    fill a patch best. Within a level the nearest are first.

    Args:
        boxes: [batch, 4] float, (left, top, right, bottom) in pixels of the image.
        near: [batch, cells], higher where a cell is nearer to its box, at most 0.
    """
    levels, sizes = glance["levels"], glance["map_sizes"]
    cells = tf.tile(cells_at(tf.range(tf.shape(near)[1]), sizes)[None], [tf.shape(near)[0], 1, 1])
    inner = tf.constant([BOX_MARGIN, BOX_MARGIN, 1 - BOX_MARGIN, 1 - BOX_MARGIN])
    shown = boxes_in_image(tf.broadcast_to(inner, [*tf.unstack(tf.shape(near)), 4]), levels, cells, grid)
    box = boxes[:, None]
    holds = tf.reduce_all(tf.concat([shown[..., :2] <= box[..., :2], shown[..., 2:] >= box[..., 2:]], -1), axis=-1)

    sides = tf.maximum(boxes[:, None, 3:1:-1] - boxes[:, None, 1::-1], 1e-6)  # [batch, 1, (height, width)]
    room = tf.constant(grid.size, tf.float32) * (1 - 2 * BOX_MARGIN)
    fill = tf.reduce_max(sides * tf.stack([level.zoom for level in levels]) / room, axis=-1)  # [batch, levels]
    level = cells[..., 0]
    rank = tf.where(holds, _ranked(fill, level) + len(levels), _ranked(-tf.abs(tf.math.log(fill)), level))
    distance = tf.sqrt(-near)
    return tf.cast(rank, tf.float32) - distance / (tf.reduce_max(distance, axis=1, keepdims=True) + 1)


def _ranked(values, levels):
    """Returns the rank of each cell's level, 0 where its value is lowest: [batch, levels] -> [batch, cells]."""
    rank = tf.argsort(tf.argsort(values, axis=1, stable=True), axis=1)
    return tf.gather(rank, levels, batch_dims=1)
