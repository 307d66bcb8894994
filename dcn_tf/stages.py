"""The three stages of a Dynamic Capacity Network: a glance at the image, a closer look at some of it, the answer."""

from dcn_tf.architecture import CLASSIFICATION
from dcn_tf.patches import assemble, cut_patches
from dcn_tf.saliency import entropy_saliency, select_cells


class Stages:
    """What a network of these parts computes; the parts are layers, or whatever is called as those are.

    Attributes:
        architecture: an `Architecture`.
        coarse, fine: stacks; see `dcn_tf.layers.CoarseStack` and `FineStack`.
        coarse_top, fine_top: tops; see `dcn_tf.layers.ClassifierTop` and `SequenceTop`.
        patch_grid: where the patch of each cell lies, see `dcn_tf.geometry.patch_grid`.
    """

    def call(self, images, training=False, num_patches=None, cells=None) -> dict:
        """Returns the outputs of all three stages; arguments as of `DynamicCapacityNetwork`."""
        outputs = self.glance(images, training)
        if cells is None:
            num_patches = self.architecture.num_patches if num_patches is None else num_patches
            cells = select_cells(outputs["saliency"], num_patches)
        outputs |= self.look_closely(images, cells, training)
        return outputs | self.answer(outputs["coarse_features"], outputs["fine_features"], cells, training)

    def glance(self, images, training=False) -> dict:
        """Returns the first stage: `coarse_features`, `coarse_logits`, `entropy` and `saliency` of images."""
        coarse_features = self.coarse(images, training=training)
        coarse_logits, entropy, saliency = entropy_saliency(self.coarse_top, coarse_features, training)
        return {
            "coarse_features": coarse_features,
            "coarse_logits": coarse_logits,
            "entropy": entropy,
            "saliency": saliency,
        }

    def look_closely(self, images, cells, training=False) -> dict:
        """Returns the second stage: `cells` [batch, k, 2], their `patches`, and the `fine_features` of these."""
        patches = cut_patches(images, cells, self.patch_grid)
        return {"cells": cells, "patches": patches, "fine_features": self.fine(patches, training=training)}

    def answer(self, coarse_features, fine_features, cells, training=False) -> dict:
        """Returns `refined` and `logits` from the vectors of both stages.

        The vectors of the first k cells alone give the answer that k patches would have given.
        """
        refined = fine_features
        if self.architecture.task == CLASSIFICATION:
            refined = assemble(coarse_features, fine_features, cells)
        return {"refined": refined, "logits": self.fine_top(refined, training=training)}
