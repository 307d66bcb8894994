"""The saliency: the gradient of the output's entropy, where capacity would change the answer (paper, section 2)."""

import tensorflow as tf


def entropy(logits):
    """Returns the entropy, in nats, of softmax(logits) over the last axis: [..., n] -> [...].

    Written with the log-softmax, so that a probability that underflows to 0 contributes 0 and no log of 0 is taken.
    """
    log_probabilities = tf.nn.log_softmax(logits)
    return -tf.reduce_sum(tf.exp(log_probabilities) * log_probabilities, axis=-1)


def heads_entropy(logits, heads, selected=None):
    """Returns the sum of the entropies of several softmaxes that stand side by side in one vector.

    Args:
        logits: [..., sum(heads)].
        selected: indices of the softmaxes to sum over; all where None.

    Returns:
        [...], in nats.
    """
    parts = tf.split(logits, heads, axis=-1)
    return tf.add_n([entropy(parts[i]) for i in (range(len(heads)) if selected is None else selected)])


def entropy_saliency(top, coarse_features, training=False):
    """Returns the coarse output, its entropy, and the saliency of every cell.

    The saliency of a cell is the L2 norm over channels of the gradient of the entropy with respect to the cell's
    vector, through the top alone. It needs no label, so it is the same in training and at inference. No gradient flows
    through it. It is float32 whatever the stacks compute in.

    Args:
        top: a layer of `dcn_tf.layers`; its `call` with `coarse_pass=True`, and its `entropy`, are used.
        coarse_features: [batch, h, w, D].
        training: whether the top is called in training mode.

    Returns:
        logits [batch, n], entropy [batch] in nats, saliency [batch, h, w].
    """
    # The gradient's values are small: in float16 all of an image's saliency may be 0.
    coarse_features = tf.cast(coarse_features, tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(coarse_features)
        logits = top(coarse_features, training=training, coarse_pass=True)
        output_entropy = top.entropy(logits)
    gradient = tf.stop_gradient(tape.gradient(output_entropy, coarse_features))  # [batch, h, w, D]
    saliency = tf.sqrt(tf.reduce_sum(tf.square(tf.cast(gradient, logits.dtype)), axis=-1))
    return logits, output_entropy, saliency


def select_cells(saliency, num_patches: int, candidates: int = 1):
    """Returns the k cells of highest saliency, most salient first, ties to the lowest index in row-major order.

    Plain top-k, no suppression of overlaps (paper, section 2).

    Args:
        saliency: [batch, h, w].
        num_patches: k, from 1 to h * w; an integer, or a scalar tensor, which is taken as it is.
        candidates: as many cells for each of the k are returned, all where there are not so many.

    Returns:
        [batch, k, 2] int32, (row, column).

    Raises:
        ValueError: k is not between 1 and the number of cells.
    """
    height, width = saliency.shape[1:]
    known = not tf.is_tensor(num_patches) and height is not None and width is not None
    if known and not 1 <= num_patches <= height * width:
        raise ValueError(
            f"num_patches must be between 1 and the number of cells, {height} x {width} = {height * width}. "
            f"Received: {num_patches!r}"
        )
    shape = tf.shape(saliency)
    flat = tf.reshape(saliency, [shape[0], shape[1] * shape[2]])
    count = num_patches if candidates == 1 else tf.minimum(candidates * num_patches, tf.shape(flat)[1])
    indices = tf.math.top_k(flat, k=count, sorted=True).indices  # equal values: the lower index comes first
    return tf.stack([indices // shape[2], indices % shape[2]], axis=-1)
