"""The three stages of a Dynamic Capacity Network: a glance at the image, a closer look at some of it, the answer."""

from typing import Any

import tensorflow as tf

from dcn_tf.architecture import Architecture
from dcn_tf.geometry import PatchGrid, cells_apart
from dcn_tf.patches import assemble, cut_patches, once
from dcn_tf.pyramid import (
    CANDIDATES,
    Level,
    boxes_in_image,
    cells_at,
    cut_level_patches,
    flat,
    levels_of,
    map_sizes,
    spread,
    standing_once,
)
from dcn_tf.saliency import entropy_saliency, select_cells


class Stages:
    """What a network of these parts computes; the parts are layers, or whatever is called as those are.

    Attributes:
        coarse, fine: stacks; see `dcn_tf.layers.CoarseStack` and `FineStack`.
        coarse_top, fine_top: tops; see `dcn_tf.layers.ClassifierTop` and `SequenceTop`.
        patch_grid: where the patch of each cell lies, see `dcn_tf.geometry.patch_grid`.
    """

    architecture: Architecture
    coarse: Any
    fine: Any
    coarse_top: Any
    fine_top: Any
    patch_grid: PatchGrid

    def call(self, images, training=False, num_patches=None, cells=None) -> dict:
        """Returns the outputs of all three stages; arguments as of `DynamicCapacityNetwork`."""
        outputs = self.all_stages(images, training, num_patches, cells)
        # What has no entry for each image is nothing that Keras could join batch by batch, or export.
        return {name: value for name, value in outputs.items() if name not in ("levels", "map_sizes")}

    def all_stages(self, images, training=False, num_patches=None, cells=None) -> dict:
        """Returns what `call` does, and with a pyramid the `levels` and `map_sizes` of `glance`."""
        outputs = self.glance(images, training)
        if cells is None:
            num_patches = self.architecture.num_patches if num_patches is None else num_patches
            cells = self.select(outputs, num_patches)
        outputs |= self.look_closely(outputs.get("levels", images), cells, training)
        vectors = outputs["coarse_features"], outputs["fine_features"]
        return outputs | self.answer(*vectors, cells, training, outputs.get("boxes"))

    def glance(self, images, training=False) -> dict:
        """Returns the first stage: `coarse_features`, `coarse_logits`, `entropy` and `saliency` of images.

        With a pyramid also `levels`, the scaled images (`pyramid.Level`), and `map_sizes`, int32 [levels, 2], the
        (h, w) of their maps.
        """
        outputs = {}
        if self.architecture.has_pyramid:
            levels = levels_of(images, self.architecture)
            maps = [self.coarse(level.images, training=training) for level in levels]
            outputs = {"levels": levels, "map_sizes": map_sizes(maps)}
            coarse_features = flat(maps)
        else:
            coarse_features = self.coarse(images, training=training)
        coarse_logits, entropy, saliency = entropy_saliency(self.coarse_top, coarse_features, training)
        return outputs | {
            "coarse_features": coarse_features,
            "coarse_logits": coarse_logits,
            "entropy": entropy,
            "saliency": saliency,
        }

    def select(self, glance: dict, num_patches, scores=None):
        """Returns the `num_patches` cells of highest saliency, or of highest `scores` of the same shape.

        [batch, k, 2], (row, column); with a pyramid [batch, k, 3], (level, row, column), of all levels together. Cells
        that are to be apart are those of the device, which finds them among the `pyramid.CANDIDATES` * k highest; where
        these hold fewer, the first cell stands again and counts once (`pyramid.spread`).
        """
        scores, apart = glance["saliency"] if scores is None else scores, self.architecture.patches_apart
        if not self.architecture.has_pyramid:
            return select_cells(scores, num_patches)
        highest = select_cells(scores[:, None], num_patches, CANDIDATES if apart else 1)
        cells = cells_at(highest[..., 1], glance["map_sizes"])
        return spread(cells, num_patches, cells_apart(self.patch_grid, apart)) if apart else cells

    def look_closely(self, images, cells, training=False, repeated=False) -> dict:
        """Returns the second stage: `cells`, their `patches` and `fine_features`, and `boxes` if there are any.

        Args:
            images: [batch, H, W, C]; with a pyramid the `levels` of `glance`.
            cells: as `select` returns them.
            training: whether the fine stack is called in training mode.
            repeated: whether a cell may stand several times among those of an image, which are then many: the fine
                stack sees each once.
        """
        if self.architecture.has_pyramid:
            patches = cut_level_patches(images, cells, self.patch_grid)
        else:
            patches = cut_patches(images, cells, self.patch_grid)
        if repeated:
            fine_features = once(lambda patches: self.fine(patches, training=training), patches, cells)
        else:
            fine_features = self.fine(patches, training=training)
        look = {"cells": cells, "patches": patches, "fine_features": fine_features}
        if getattr(self.fine_top, "box", None) is None:
            return look
        if not self.architecture.has_pyramid:
            images, cells = [Level(images, tf.zeros(2, tf.int32), tf.ones(2))], tf.pad(cells, [(0, 0), (0, 0), (1, 0)])
        return look | {"boxes": boxes_in_image(self.fine_top.cell_boxes(fine_features), images, cells, self.patch_grid)}

    def answer(self, coarse_features, fine_features, cells, training=False, boxes=None) -> dict:
        """Returns `refined` and `logits` from the vectors of both stages, and where `boxes` are given, `box`.

        The vectors of the first k cells alone give the answer that k patches would have given. Of cells that are apart,
        see `select`, one that stands again has no part in it.
        """
        counted = standing_once(cells) if self.architecture.patches_apart else None
        refined = fine_features
        if self.architecture.top.swaps:
            refined = assemble(coarse_features, fine_features, cells)
        if boxes is None and counted is None:
            return {"refined": refined, "logits": self.fine_top(refined, training=training)}
        cell_logits = self.fine_top.cell_logits(fine_features)
        if boxes is None:
            return {"refined": refined, "logits": self.fine_top.pool(cell_logits, counted=counted)}
        log_weights = self.fine_top.cell_weights(cell_logits, counted=counted)
        box = tf.reduce_sum(tf.nn.softmax(log_weights)[..., None] * boxes, axis=1)
        logits = self.fine_top.pool(cell_logits, log_weights=log_weights, counted=counted)
        return {"refined": refined, "logits": logits, "box": box}
