"""Cut the selected patches out of the images, and put their vectors back into the map."""

import tensorflow as tf

from dcn_tf.geometry import PatchGrid


def cut_patches(images, cells, grid: PatchGrid):
    """Returns the patches of the given cells, zero where a patch reaches beyond its image. One gather, no loop.

    Args:
        images: [batch, height, width, channels].
        cells: [batch, k, 2] integer, (row, column).

    Returns:
        [batch, k, patch height, patch width, channels].
    """
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    starts = tf.cast(cells, tf.int32) * grid.stride + grid.origin  # [batch, k, 2]
    rows = starts[..., 0, None, None] + tf.range(grid.size[0])[:, None]  # [batch, k, p, 1]
    columns = starts[..., 1, None, None] + tf.range(grid.size[1])[None, :]  # [batch, k, 1, p]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    pixel = tf.clip_by_value(rows, 0, height - 1) * width + tf.clip_by_value(columns, 0, width - 1)
    pixels = tf.reshape(images, [batch, height * width, images.shape[-1]])
    patches = tf.gather(pixels, pixel, axis=1, batch_dims=1)
    return patches * tf.cast(inside, images.dtype)[..., None]


def assemble(coarse_features, fine_features, cells):
    """Returns the refined map: the fine vector at selected cells, the coarse one elsewhere (paper, section 2).

    Args:
        coarse_features: [batch, h, w, D].
        fine_features: [batch, k, D].
        cells: [batch, k, 2] integer, (row, column), distinct within an image.

    Returns:
        [batch, h, w, D].
    """
    cells = tf.cast(cells, tf.int32)
    shape = tf.shape(cells)
    image = tf.broadcast_to(tf.range(shape[0])[:, None, None], [shape[0], shape[1], 1])
    indices = tf.concat([image, cells], axis=-1)  # [batch, k, 3]
    return tf.tensor_scatter_nd_update(coarse_features, indices, fine_features)


def vectors_at(features, cells):
    """Returns the vectors of a map at the given cells: [batch, h, w, D], [batch, k, 2] -> [batch, k, D]."""
    return tf.gather_nd(features, tf.cast(cells, tf.int32), batch_dims=1)
