"""Checks that the flags and the architecture together make a training, before TensorFlow is imported."""

import math

from dcn_tf.architecture import SEQUENCE, SEQUENCE_SELECTORS, Architecture, channels_of
from dcn_tf.geometry import num_cells, scaled_size, smallest_input
from train.config import Config
from train.errors import UserError

MOST_BATCH = 2**31  # bytes of the images in a batch, as floats


def check_trainable(config: Config, architecture: Architecture):
    """Raises UserError where the flags and the architecture together make no training."""
    cells = num_cells(architecture, architecture.image_size)
    if architecture.num_patches > cells:
        raise UserError(
            f"--num_patches must be at most the number of cells, {cells}. Received: {architecture.num_patches}"
        )
    most = max(config.train_num_patches, default=0)
    if most > cells:
        raise UserError(f"--train_num_patches must be at most the number of cells, {cells}. Received: {most}")
    if most and (config.model, config.training) != ("dcn", "end_to_end"):
        raise UserError(
            "--train_num_patches belongs to --model=dcn and --training=end_to_end: else no patches are trained on. "
            f"Received: --model={config.model} and --training={config.training}; leave it out"
        )
    _check_scales(config, architecture)
    windows, images = architecture.train_size, architecture.image_size
    cut_from_images = not getattr(architecture.top, "may_be_empty", False)  # others are cut from larger scenes
    if cut_from_images and (windows[0] > images[0] or windows[1] > images[1]):
        raise UserError(f"train_size must be at most image_size, {images}. Received: {windows}; change the description")
    window = architecture.train_size if config.training == "modular" else architecture.image_size
    needed = 4 * config.batch_size * math.prod(window) * architecture.channels
    if needed > MOST_BATCH:
        raise UserError(
            f"--batch_size must be of images of at most {MOST_BATCH / 1e9:.1f} GB together. "
            f"Received: {config.batch_size}, which is {needed / 1e9:.1f} GB"
        )
    foreign = [name for name in config.selectors if name in SEQUENCE_SELECTORS]
    if foreign and architecture.task != SEQUENCE:
        raise UserError(
            f"the selector {foreign[0]!r} belongs to sequences; classifiers have no output that is averaged. "
            f"Received: --selectors={','.join(config.selectors)} with --preset={config.preset}; leave it out"
        )
    if config.model != "dcn" or config.training != "end_to_end":
        return
    if getattr(architecture.top, "box", False):
        raise UserError(
            "boxes are trained by --training=modular alone. Received: --training=end_to_end with a network that tells "
            "them; give --training=modular, or --set=top.box=false"
        )
    lengths = channels_of(architecture.coarse), channels_of(architecture.fine)
    if config.hint_weight and lengths[0] != lengths[1]:
        raise UserError(
            "the hint needs coarse and fine vectors of one length. "
            f"Received: --hint_weight={config.hint_weight} with lengths {lengths[0]} and {lengths[1]}; leave it out"
        )
    if architecture.task == SEQUENCE and not (config.hint_weight or config.coarse_weight):
        raise UserError(
            "end to end, a sequence's answer comes from the fine vectors alone, and nothing trains the coarse stack. "
            "Received: --hint_weight=0 and --coarse_weight=0; give one, for instance --coarse_weight=1"
        )


def _check_scales(config: Config, architecture: Architecture):
    """A sequence's small image is padded for the stacks; a classifier's must have a window for its top too."""
    if architecture.task == SEQUENCE:
        return
    least = smallest_input((*architecture.coarse, architecture.top.conv))
    for scale in config.eval_scales:
        size = scaled_size(architecture.image_size, scale)
        if size[0] < least[0] or size[1] < least[1]:
            raise UserError(
                f"--eval_scales must leave images of at least {least[0]} x {least[1]} pixels to the top. "
                f"Received: {scale:g}, which leaves {size[0]} x {size[1]}"
            )
