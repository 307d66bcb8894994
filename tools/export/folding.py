"""Batch normalisation, folded into the convolution before it: outputs stay the same, and int8 rounds them once."""

import numpy as np

from dcn_tf.architecture import DepthwiseConv


def folded_weights(network) -> dict[str, tuple]:
    """Returns (kernel, bias) of every layer of a network, with the moving statistics folded in.

    The keys are 'coarse/0', 'fine/0' and so on, numbered as the layers of the architecture's stacks; the layers of a
    residual block are 'fine/3/0' and so on. For sequences
    'coarse_top/logits' and 'fine_top/logits', and 'fine_top/box' where a box is told. A classifier has one top:
    'top/conv', normalised as in the coarse pass; 'top/refined', the (scale, shift) that make of its outputs what the
    refined pass makes of them; and 'top/logits'.
    """
    weights = {}
    for stack in ("coarse", "fine"):
        for path, block in _convolutions(getattr(network, stack).blocks):
            weights[f"{stack}/{path}"] = _folded(block, block.normalization)
    if network.coarse_top is network.fine_top:
        top = network.coarse_top
        coarse_pass = top.coarse_normalization or top.block.normalization
        weights["top/conv"] = _folded(top.block, coarse_pass)
        weights["top/refined"] = _refined(top.block, coarse_pass, weights["top/conv"][1])
        return weights | {"top/logits": _dense(top.dense)}
    weights |= {f"{stack}_top/logits": _dense(getattr(network, f"{stack}_top").dense) for stack in ("coarse", "fine")}
    return weights if network.fine_top.box is None else weights | {"fine_top/box": _dense(network.fine_top.box)}


def refined_convolution(weights: dict) -> tuple:
    """Returns (kernel, bias) of a classifier's top in its refined pass; `weights` as of `folded_weights`."""
    (kernel, bias), (scale, shift) = weights["top/conv"], weights["top/refined"]
    return kernel * scale, bias * scale + shift


def _convolutions(blocks):
    """Yields (path, block) of every convolution, those in residual blocks too; see `descriptions.weighted_layers`."""
    for i, block in enumerate(blocks):
        if hasattr(block, "blocks"):
            yield from ((f"{i}/{path}", inner) for path, inner in _convolutions(block.blocks))
        elif hasattr(block, "convolution"):
            yield str(i), block


def _dense(layer):
    return layer.kernel.numpy(), layer.bias.numpy()


def _folded(block, statistics):
    """Returns kernel and bias of a convolution that `statistics` normalise and the block's gamma and beta rescale."""
    kernel = block.convolution.kernel.numpy()
    if statistics is None:
        return kernel, block.convolution.bias.numpy()
    factor = block.normalization.gamma.numpy() / _deviation(statistics)
    of_kernel = factor[:, None] if isinstance(block.spec, DepthwiseConv) else factor  # its channels are the inputs
    return kernel * of_kernel, block.normalization.beta.numpy() - statistics.moving_mean.numpy() * factor


def _refined(block, coarse_pass, coarse_bias):
    """Returns (scale, shift): what the two passes make of one sum differs by these alone, filter by filter."""
    if coarse_pass is None:
        return np.ones_like(coarse_bias), np.zeros_like(coarse_bias)
    _, refined_bias = _folded(block, block.normalization)
    scale = _deviation(coarse_pass) / _deviation(block.normalization)
    return scale, refined_bias - scale * coarse_bias


def _deviation(statistics):
    return np.sqrt(statistics.moving_variance.numpy() + statistics.epsilon)
