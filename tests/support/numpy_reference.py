"""The network's mathematics once more, in NumPy and plain loops: what the tests compare with.

Nothing here is taken from `dcn_tf` but the descriptions of layers and the values of weights. Everything is float64, so
that finite differences of it are exact enough to judge a gradient by.
"""

import numpy as np

from dcn_tf.architecture import Conv


def windows(kernel, strides, padding, size):
    """Yields (output position, first input position) for every window of one axis; none where the axis is empty."""
    position, start = 0, -padding[0]
    while size and start + kernel <= size + padding[1]:
        yield position, start
        position, start = position + 1, start + strides


def convolve(image, kernel, strides, padding):
    """Convolves one image [H, W, C] with a kernel [kh, kw, C, D], tap by tap; zero outside the image."""
    rows = list(windows(kernel.shape[0], strides[0], padding[0], image.shape[0]))
    columns = list(windows(kernel.shape[1], strides[1], padding[1], image.shape[1]))
    output = np.zeros((len(rows), len(columns), kernel.shape[3]))
    for row, top in rows:
        for column, left in columns:
            for i in range(kernel.shape[0]):
                for j in range(kernel.shape[1]):
                    if 0 <= top + i < image.shape[0] and 0 <= left + j < image.shape[1]:
                        output[row, column] += image[top + i, left + j] @ kernel[i, j]
    return output


def max_pool(image, kernel, strides, padding):
    """Max-pools one image [H, W, C]; outside the image there is minus infinity."""
    rows = list(windows(kernel[0], strides[0], padding[0], image.shape[0]))
    columns = list(windows(kernel[1], strides[1], padding[1], image.shape[1]))
    output = np.full((len(rows), len(columns), image.shape[2]), -np.inf)
    for row, top in rows:
        for column, left in columns:
            window = image[max(top, 0) : top + kernel[0], max(left, 0) : left + kernel[1]]
            output[row, column] = window.max(axis=(0, 1))
    return output


def normalise(values, normalization, statistics=None):
    """Applies a Keras batch normalisation at inference, with the statistics of another one where given."""
    gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in normalization.get_weights())
    if statistics is not None:
        mean, variance = (np.asarray(w, np.float64) for w in statistics.get_weights())
    return (values - mean) / np.sqrt(variance + normalization.epsilon) * gamma + beta


def conv_block(image, block, statistics=None):
    """Runs one convolution of a Keras stack, and what follows it, on one image at inference."""
    layer, weights = block.spec, [np.asarray(w, np.float64) for w in block.convolution.get_weights()]
    values = convolve(image, weights[0], layer.strides, layer.padding)
    values = values + weights[1] if len(weights) == 2 else values
    if layer.batch_normalization:
        values = normalise(values, block.normalization, statistics)
    return {"relu": lambda v: np.maximum(v, 0), None: lambda v: v}[layer.activation](values)


def run_stack(image, stack):
    """Runs a Keras stack on one image [H, W, C] -> [h, w, D]."""
    image = np.asarray(image, np.float64)
    for layer, block in zip(stack.descriptions, stack.blocks):
        if isinstance(layer, Conv):
            image = conv_block(image, block)
        else:
            image = max_pool(image, layer.kernel, layer.strides, layer.padding)
    return image


def run_classifier_top(features, top, coarse_pass=False):
    """Runs a Keras classifier top on one map [h, w, D] -> logits [classes]."""
    statistics = top.coarse_normalization if coarse_pass else None
    pooled = conv_block(np.asarray(features, np.float64), top.block, statistics).max(axis=(0, 1))
    kernel, bias = (np.asarray(w, np.float64) for w in top.dense.get_weights())
    return pooled @ kernel + bias


def run_sequence_top(features, top, weighting, floor=0.0):
    """Runs a Keras sequence top on one map [..., D] -> probabilities [sum(heads)], as `pool_cells`."""
    kernel, bias = (np.asarray(w, np.float64) for w in top.dense.get_weights())
    features = np.asarray(features, np.float64)
    cells = features.reshape(-1, features.shape[-1]) @ kernel + bias
    return pool_cells(cells, top.spec.heads, weighting, floor)


def pool_cells(cell_logits, heads, weighting, floor=0.0):
    """Pools logits [cells, sum(heads)] -> probabilities [sum(heads)]; equal weights, or 1 / (entropy + floor)."""
    pooled = []
    for logits in np.split(np.asarray(cell_logits, np.float64), np.cumsum(heads)[:-1], axis=-1):
        probabilities = [softmax(cell) for cell in logits]
        weights = [1.0 if weighting == "average" else 1.0 / (entropy(p) + floor) for p in probabilities]
        pooled.append(sum(w * p for w, p in zip(weights, probabilities)) / sum(weights))
    return np.concatenate(pooled)


def softmax(logits):
    """Returns the softmax of one vector."""
    powers = np.exp(logits - np.max(logits))
    return powers / powers.sum()


def entropy(probabilities):
    """Returns the entropy of one distribution, in nats; 0 log 0 is 0."""
    present = probabilities[probabilities > 0]
    return -np.sum(present * np.log(present))


def finite_differences(function, point, step=1e-5):
    """Returns the gradient of a scalar function at `point`, by central differences."""
    point = np.array(point, np.float64)
    gradient = np.zeros_like(point)
    for index in np.ndindex(point.shape):
        value = point[index]
        point[index] = value + step
        above = function(point)
        point[index] = value - step
        below = function(point)
        point[index] = value
        gradient[index] = (above - below) / (2 * step)
    return gradient
