"""Photographs of any size: read at several scales (paper, section 4.2), and made large enough for one cell."""

import tensorflow as tf

from dcn_tf.architecture import Architecture
from dcn_tf.geometry import smallest_image


def scaled(images, scale: float):
    """Returns images at a scale, smoothed where they become smaller: [batch, H, W, C] -> [batch, H', W', C]."""
    if scale == 1:
        return images
    # As `geometry.scaled_size`, whose halves are float64's: in float32, 0.35 of 90 pixels is one more.
    size = tf.cast(tf.round(tf.cast(tf.shape(images)[1:3], tf.float64) * scale), tf.int32)
    resized = tf.image.resize(images, tf.maximum(size, 1), antialias=True)
    return tf.cast(resized, images.dtype)  # which is float32, whatever the images are


def padded(images, architecture: Architecture):
    """Returns images [batch, H, W, C] of at least `smallest_image`, and the (row, column) where their first pixel is.

    Half of what is missing comes before and the rest behind, so that an image stays in the middle. The border is
    repeated: an edge of black would be something to read.
    """
    starts = []
    for axis, smallest in enumerate(smallest_image(architecture), 1):
        side = tf.shape(images)[axis]
        missing = tf.maximum(smallest - side, 0)
        starts.append(missing // 2)
        positions = tf.range(side + missing) - missing // 2
        images = tf.gather(images, tf.clip_by_value(positions, 0, side - 1), axis=axis)
    return images, tf.stack(starts)
