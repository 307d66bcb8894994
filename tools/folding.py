"""Batch normalisation, folded into the convolution before it: outputs stay the same, and int8 rounds them once."""

import numpy as np

from dcn_tf.architecture import CLASSIFICATION, Conv


def folded_weights(network) -> dict[str, tuple]:
    """Returns (kernel, bias) of every layer of a network, with the moving statistics folded in.

    The keys are 'coarse/0', 'fine/0' and so on, numbered as the layers of the architecture's stacks; 'coarse_top/conv'
    and 'fine_top/conv' for classifiers; 'coarse_top/logits' and 'fine_top/logits'. A classifier's one top comes twice,
    since its two passes are normalised by statistics of their own.

    Args:
        network: a trained `DynamicCapacityNetwork`.
    """
    weights = {}
    for stack in ("coarse", "fine"):
        for i, block in enumerate(getattr(network, stack).blocks):
            if isinstance(block.spec, Conv):
                weights[f"{stack}/{i}"] = _folded(block, block.normalization)
        top = getattr(network, f"{stack}_top")
        if network.architecture.task == CLASSIFICATION:
            own = top.coarse_normalization if stack == "coarse" else None
            weights[f"{stack}_top/conv"] = _folded(top.block, own or top.block.normalization)
        weights[f"{stack}_top/logits"] = (top.dense.kernel.numpy(), top.dense.bias.numpy())
    return weights


def _folded(block, statistics):
    """Returns kernel and bias of a convolution that `statistics` normalise and the block's gamma and beta rescale."""
    kernel = block.convolution.kernel.numpy()
    if statistics is None:
        return kernel, block.convolution.bias.numpy()
    deviation = np.sqrt(statistics.moving_variance.numpy() + statistics.epsilon)
    factor = block.normalization.gamma.numpy() / deviation
    return kernel * factor, block.normalization.beta.numpy() - statistics.moving_mean.numpy() * factor
