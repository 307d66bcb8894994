"""Cut the selected patches out of the images, and put their vectors back into the map."""

import tensorflow as tf

from dcn_tf.geometry import PatchGrid

ROUND = 8  # patches


def cut_patches(images, cells, grid: PatchGrid):
    """Returns the patches of the given cells, zero where a patch reaches beyond its image. One gather, no loop.

    Args:
        images: [batch, height, width, channels].
        cells: [batch, k, 2] integer, (row, column).

    Returns:
        [batch, k, patch height, patch width, channels].
    """
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    pixel, inside = patch_pixels(cells, grid, height, width)
    pixels = tf.reshape(images, [batch, height * width, images.shape[-1]])
    patches = tf.gather(pixels, pixel, axis=1, batch_dims=1)
    return patches * tf.cast(inside, images.dtype)[..., None]


def patch_pixels(cells, grid: PatchGrid, height, width):
    """Returns where in its image, row after row, each pixel of a patch lies, and whether it lies there at all.

    Args:
        cells: [..., 2] integer, (row, column).
        grid: where patches lie.
        height, width: of the image, scalars or [..., 1, 1].

    Returns:
        positions int32 and booleans, [..., patch height, patch width]. Beyond the border the nearest position stands.
    """
    starts = tf.cast(cells, tf.int32) * grid.stride + grid.origin  # [..., 2]
    rows = starts[..., 0, None, None] + tf.range(grid.size[0])[:, None]  # [..., p, 1]
    columns = starts[..., 1, None, None] + tf.range(grid.size[1])[None, :]  # [..., 1, p]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return tf.clip_by_value(rows, 0, height - 1) * width + tf.clip_by_value(columns, 0, width - 1), inside


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


def once(stack, patches, cells):
    """Returns what a stack makes of patches, of which it is shown those of the same cell of an image once.

    So that the stack is called with few different numbers of patches, which oneDNN prepares itself for one by one, they
    are filled up to a multiple of `ROUND`.

    Args:
        stack: patches [batch, k, p, p, C] -> vectors [batch, k, D].
        patches: [batch, k, p, p, C].
        cells: [batch, k, 2 or 3], whose patches they are.

    Returns:
        [batch, k, D].
    """
    shape = tf.shape(cells)
    image = tf.repeat(tf.range(shape[0]), shape[1])[:, None]
    listed = tf.concat([image, tf.reshape(tf.cast(cells, tf.int32), [-1, shape[2]])], axis=1)
    distinct, place = tf.raw_ops.UniqueV2(x=listed, axis=[0])
    count = tf.shape(distinct)[0]
    first = tf.math.unsorted_segment_min(tf.range(tf.size(place)), place, count)
    first = tf.pad(first, [(0, -count % ROUND)])
    shown = tf.gather(tf.reshape(patches, tf.concat([[-1], tf.shape(patches)[2:]], 0)), first)
    vectors = tf.gather(stack(shown[:, None])[:, 0], place)
    return tf.reshape(vectors, [shape[0], shape[1], vectors.shape[-1]])


def vectors_at(features, cells):
    """Returns the vectors of a map at the given cells: [batch, h, w, D], [batch, k, 2] -> [batch, k, D]."""
    return tf.gather_nd(features, tf.cast(cells, tf.int32), batch_dims=1)
