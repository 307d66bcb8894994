"""The losses: the likelihood of the labels, and the hint that pulls coarse vectors to fine ones."""

import tensorflow as tf

from dcn_tf.labels import NOTHING
from dcn_tf.patches import vectors_at

SQUARED_LENGTH_FLOOR = 1e-6  # keeps a relative hint finite where all fine vectors are 0


def negative_log_likelihood(logits, labels, heads, smoothing: float = 0.0):
    """Returns the mean over the batch of -log p(labels), each head a softmax of its own (paper, section 4.2).

    With one head it is the cross-entropy of a classifier. For sequences the heads are the length and the positions, and
    absent positions carry the label 'none': -log p(length) - sum_i log p(s_i).

    Where there is nothing to read, every category is as likely as any other: the label `NOTHING` asks for the uniform
    distribution. The paper trains on tight crops alone, and has no such images.

    Args:
        logits: [batch, sum(heads)].
        labels: [batch, len(heads)] integer, the category of each head (`labels.sequence_labels`), or `NOTHING`.
        heads: number of categories of each head.
        smoothing: share of each label that is spread evenly over the categories of its head (Szegedy et al. 2016, arXiv
            1512.00567, section 7): the cross-entropy with (1 - smoothing) * label + smoothing * uniform.

    Returns:
        A scalar, in nats per image.
    """
    parts = tf.split(logits, heads, axis=-1)
    per_head = []
    for label, part in zip(tf.unstack(labels, axis=1), parts):
        read = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.maximum(label, 0), logits=part)
        unread = -tf.reduce_mean(tf.nn.log_softmax(part), axis=-1)
        smoothed = (1 - smoothing) * read + smoothing * unread if smoothing else read
        per_head.append(tf.where(label == NOTHING, unread, smoothed))
    return tf.reduce_mean(tf.add_n(per_head))


def distillation(logits, taught, temperature: float):
    """Returns how far answers are from a teacher's (Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2).

    The divergence of the two softmaxes of logits / temperature, times temperature^2, which keeps its gradient as large
    at every temperature, averaged over the batch. No gradient reaches the teacher.

    Args:
        logits: [batch, classes], of the network that is trained.
        taught: [batch, classes], of the teacher.
        temperature: above 0.

    Returns:
        A scalar, in nats times temperature^2.
    """
    taught = tf.nn.log_softmax(tf.stop_gradient(tf.cast(taught, tf.float32)) / temperature)
    answered = tf.nn.log_softmax(tf.cast(logits, tf.float32) / temperature)
    divergence = tf.reduce_sum(tf.exp(taught) * (taught - answered), axis=-1)
    return temperature**2 * tf.reduce_mean(divergence)


def hint(coarse_features, fine_features, cells, relative: bool = False):
    """Returns how far coarse vectors are from the fine vectors of the selected cells (paper, section 2).

    The squared L2 distance, averaged over the selected cells and the batch. The fine vectors stand behind a
    stop-gradient, so that it moves the coarse weights only, in the same backward pass as every other loss.

    Args:
        coarse_features: [batch, h, w, D].
        fine_features: [batch, k, D].
        cells: [batch, k, 2] integer, (row, column).
        relative: whether it is divided by the mean squared length of these fine vectors. A top that normalises its map
            does not feel the vectors' length, so that nothing else bounds it; the paper does not divide.

    Returns:
        A scalar.
    """
    fine_features = tf.cast(tf.stop_gradient(fine_features), tf.float32)
    distance = _mean_square(tf.cast(vectors_at(coarse_features, cells), tf.float32) - fine_features)
    return distance / (_mean_square(fine_features) + SQUARED_LENGTH_FLOOR) if relative else distance


def _mean_square(vectors):
    """Returns the mean squared length of vectors: [..., D] -> a scalar."""
    return tf.reduce_mean(tf.reduce_sum(tf.square(vectors), axis=-1))


def shortest(heads) -> int:
    """Returns the length of a sequence top's first category, 0 or 1: one more length than positions tells of 0."""
    return len(heads) - heads[0]


def decode(logits, heads):
    """Returns the most probable category of each head, as `labels` are given: [..., sum(heads)] -> [..., heads].

    For sequences: the most probable length n, then at positions 1..n the most probable symbol that is not 'none', and
    'none' behind them.
    """
    parts = tf.split(logits, heads, axis=-1)
    if len(heads) == 1:
        return tf.argmax(parts[0], axis=-1, output_type=tf.int32)[..., None]
    category = tf.argmax(parts[0], axis=-1, output_type=tf.int32)
    none = heads[1] - 1
    symbols = tf.stack([tf.argmax(p[..., :none], axis=-1, output_type=tf.int32) for p in parts[1:]], axis=-1)
    present = tf.range(len(heads) - 1) < category[..., None] + shortest(heads)
    return tf.concat([category[..., None], tf.where(present, symbols, none)], axis=-1)


def box_loss(boxes, true_boxes):
    """Returns the mean absolute distance of the sides of boxes, over those images whose box is known.

    Args:
        boxes: [batch, 4], (left, top, right, bottom) in parts of the patch's width and height.
        true_boxes: the same; all zeros where there is nothing to read, or its place is not known.

    Returns:
        A scalar; 0 where no box is known.
    """
    known = tf.cast(true_boxes[:, 2] > true_boxes[:, 0], boxes.dtype)
    distance = tf.reduce_mean(tf.abs(boxes - true_boxes), axis=1)
    return tf.reduce_sum(known * distance) / tf.maximum(tf.reduce_sum(known), 1.0)
