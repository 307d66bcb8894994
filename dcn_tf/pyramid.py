"""An image at several sizes: its levels, their cells in one list, and patches cut from the level of each cell.

The paper reads an image at each scale on its own and averages the answers (section 4.2). Here all cells of all levels
compete for the same few patches.
"""

from dataclasses import dataclass

import tensorflow as tf

from dcn_tf.architecture import Architecture
from dcn_tf.geometry import PatchGrid
from dcn_tf.patches import patch_pixels
from dcn_tf.scales import padded, scaled

CANDIDATES = 4  # cells for each patch, of which those are taken that are apart


@dataclass(frozen=True)
class Level:
    """An image at one size.

    Attributes:
        images: [batch, H, W, C], scaled, and padded to at least one cell.
        start: (row, column) of the scaled image's first pixel in it.
        zoom: float32 [2], (vertical, horizontal) pixels of the level to a pixel of the image.
    """

    images: tf.Tensor
    start: tf.Tensor
    zoom: tf.Tensor


def levels_of(images, architecture: Architecture) -> list[Level]:
    """Returns the levels of images [batch, H, W, C], in the order of `architecture.levels`."""
    size = tf.cast(tf.shape(images)[1:3], tf.float32)
    levels = []
    for scale in architecture.levels:
        smaller = scaled(images, scale)
        zoom = tf.cast(tf.shape(smaller)[1:3], tf.float32) / size
        images_of_level, start = padded(smaller, architecture)
        levels.append(Level(images_of_level, start, zoom))
    return levels


def flat(maps):
    """Returns maps of several levels as one list of cells: [batch, h, w, ...] each -> [batch, cells, ...]."""
    lists = []
    for level in maps:
        shape = tf.shape(level)
        lists.append(tf.reshape(level, tf.concat([shape[:1], [shape[1] * shape[2]], shape[3:]], 0)))
    return tf.concat(lists, axis=1)


def map_sizes(maps):
    """Returns the (h, w) of each of several maps [batch, h, w, ...]: int32 [levels, 2]."""
    return tf.stack([tf.shape(level)[1:3] for level in maps])


def cells_at(indices, sizes):
    """Returns where positions of the list of all cells lie: int32 [...] -> [..., 3], (level, row, column).

    Args:
        indices: positions in the list that `flat` makes.
        sizes: [levels, 2], of the levels' maps.
    """
    counts = tf.reduce_prod(sizes, axis=1)
    level = tf.reduce_sum(tf.cast(indices[..., None] >= tf.cumsum(counts), tf.int32), axis=-1)
    within, width = indices - tf.gather(tf.cumsum(counts, exclusive=True), level), tf.gather(sizes[:, 1], level)
    return tf.stack([level, within // width, within % width], axis=-1)


def positions_of(cells, sizes):
    """Returns the positions of cells in the list of all, which `cells_at` reverses: int32 [..., 3] -> [...]."""
    level, row, column = tf.unstack(cells, axis=-1)
    starts = tf.cumsum(tf.reduce_prod(sizes, axis=1), exclusive=True)
    return tf.gather(starts, level) + row * tf.gather(sizes[:, 1], level) + column


def spread(cells, count, nearest):
    """Returns the first `count` cells of which none is near an earlier one: int32 [batch, n, 3] -> [batch, count, 3].

    Where an image has no more of them, its first cell stands again in every place that is left; `standing_once` tells.

    Args:
        cells: (level, row, column), most salient first.
        count: an integer, or a scalar tensor.
        nearest: (rows, columns); cells of a level that are nearer than both are near.
    """
    away = tf.abs(cells[:, :, None] - cells[:, None])
    near = (away[..., 0] == 0) & tf.reduce_all(away[..., 1:] < nearest, axis=-1)  # [batch, n, n]

    def take(state, _):
        left, _ = state
        first = tf.argmax(tf.cast(left, tf.int32), axis=1, output_type=tf.int32)  # 0 where none is left
        return left & ~tf.gather(near, first, batch_dims=1), first

    left = tf.ones(tf.shape(cells)[:2], tf.bool)
    _, taken = tf.scan(take, tf.range(count), (left, tf.zeros_like(cells[:, 0, 0])))  # [count, batch]
    return tf.gather(cells, tf.transpose(taken), batch_dims=1)


def standing_once(cells):
    """Returns which cells of `spread` don't stand for the first one again: [batch, k, 3] -> bool [batch, k]."""
    again = tf.reduce_all(cells[:, 1:] == cells[:, :1], axis=-1)
    return tf.pad(~again, [(0, 0), (1, 0)], constant_values=True)


def cut_level_patches(levels: list[Level], cells, grid: PatchGrid):
    """Returns the patch of each cell, cut from the cell's level, zero beyond its border. One gather over all levels.

    Args:
        cells: [batch, k, 3] int32, (level, row, column).

    Returns:
        [batch, k, patch height, patch width, channels].
    """
    sizes = map_sizes([level.images for level in levels])
    starts = tf.cumsum(tf.reduce_prod(sizes, axis=1), exclusive=True)
    start, height, width = (
        tf.gather(values, cells[..., 0])[..., None, None] for values in (starts, sizes[:, 0], sizes[:, 1])
    )
    pixel, inside = patch_pixels(cells[..., 1:], grid, height, width)
    patches = tf.gather(flat([level.images for level in levels]), start + pixel, axis=1, batch_dims=1)
    return patches * tf.cast(inside, patches.dtype)[..., None]


def boxes_in_image(boxes, levels: list[Level], cells, grid: PatchGrid):
    """Returns boxes in pixels of the image.

    Args:
        boxes: [batch, k, 4], (left, top, right, bottom) in parts of each patch's width and height.
        cells: [batch, k, 3] int32, (level, row, column) of the patches.

    Returns:
        [batch, k, 4]; not cut off at the image's border.
    """
    origin, stride, size = (tf.constant(pair, tf.float32) for pair in (grid.origin, grid.stride, grid.size))
    padding = tf.cast(tf.stack([level.start for level in levels]), tf.float32)
    zoom = tf.stack([level.zoom for level in levels])
    first = origin + tf.cast(cells[..., 1:], tf.float32) * stride - tf.gather(padding, cells[..., 0])
    corners = tf.reshape(boxes, tf.concat([tf.shape(boxes)[:-1], [2, 2]], 0))[..., ::-1]  # of each corner (row, column)
    corners = (first[..., None, :] + corners * size) / tf.gather(zoom, cells[..., 0])[..., None, :]
    return tf.reshape(corners[..., ::-1], tf.shape(boxes))
