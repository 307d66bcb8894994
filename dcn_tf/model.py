"""The Dynamic Capacity Network as a Keras model; `dcn_tf.stages` says what it computes."""

import keras

from dcn_tf.architecture import Architecture, channels_of
from dcn_tf.geometry import num_cells, patch_grid
from dcn_tf.keras_way import KerasWay
from dcn_tf.layers import PACKAGE, ClassifierTop, CoarseStack, FineStack, SequenceTop
from dcn_tf.pyramid import flat, levels_of
from dcn_tf.stages import Stages


@keras.saving.register_keras_serializable(PACKAGE)
class DynamicCapacityNetwork(Stages, KerasWay, keras.Model):
    """Looks at the whole image with a coarse stack, and with a fine stack where its answer is least settled.

    `coarse_top` gives the coarse output, from which the saliency is taken; `fine_top` gives the answer. For a
    classifier they are one layer: fine vectors are swapped into the coarse map, and the same top reads it. For
    sequences each stack has its own probability map, and the answer pools the fine predictions alone.

    Args:
        architecture: an `Architecture`, or its dictionary.

    Call arguments:
        images: [batch, H, W, C] float, in [0, 1].
        num_patches: k for this call; the architecture's own where None.
        cells: [batch, k, 2], looked at in place of the most salient ones; for comparison of selectors.

    Output:
        A dictionary, every intermediate under its name:
        `coarse_features` [batch, h, w, D], `coarse_logits` [batch, n], `entropy` [batch] in nats,
        `saliency` [batch, h, w], `cells` [batch, k, 2], `patches` [batch, k, p, p, C], `fine_features` [batch, k, D],
        `refined` [batch, h, w, D] (sequences: [batch, k, D]), `logits` [batch, n].
        For sequences n = sum(heads), and both outputs are log-probabilities. A top with a box also gives
        `boxes` [batch, k, 4], (left, top, right, bottom) in pixels of the image of what each patch shows, and `box`
        [batch, 4] of the answer.

        With a pyramid (`Architecture.levels`) the cells of all levels stand in one list: `coarse_features`
        [batch, cells, D], `saliency` [batch, cells], and `cells` [batch, k, 3] are (level, row, column); `glance` and
        `all_stages` also return the levels themselves.

    Raises:
        ValueError: k is not between 1 and the number of cells, or the image is smaller than one cell's field.

    Reference:
        Almahairi et al., "Dynamic Capacity Networks", ICML 2016, section 2.
    """

    def __init__(self, architecture, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(architecture, Architecture):
            architecture = Architecture.from_dict(architecture)
        self.architecture = architecture
        self.coarse = CoarseStack(architecture.coarse, name="coarse")
        self.fine = FineStack(architecture.fine, name="fine")
        top = architecture.top
        exact = {"dtype": "float32"}  # entropies and saliencies are lost in float16, whatever the policy
        if top.swaps:
            self.coarse_top = self.fine_top = ClassifierTop(top.conv, top.classes, top.statistics, name="top", **exact)
        else:
            sequence = top.max_length, top.symbols
            self.coarse_top = SequenceTop(*sequence, top.coarse_weighting, top.min_length, name="coarse_top", **exact)
            self.fine_top = SequenceTop(
                *sequence, top.refined_weighting, top.min_length, top.box, name="fine_top", **exact
            )
        self.patch_grid = patch_grid(self.coarse.geometry, architecture.patch_size)

    def build(self, input_shape=None):
        channels = self.architecture.channels
        self.coarse.build((None, None, None, channels))
        self.fine.build((None, None, None, channels))
        self.coarse_top.build((None, None, None, channels_of(self.architecture.coarse)))
        if self.fine_top is not self.coarse_top:
            self.fine_top.build((None, None, None, channels_of(self.architecture.fine)))
        self.built = True

    def num_cells(self, image_size=None) -> int:
        """Returns the number of coarse cells of an image of `image_size` (height, width): the largest possible k."""
        return num_cells(self.architecture, image_size or self.architecture.image_size)

    def whole_model(self, name: str) -> "WholeModel":
        """Returns the 'coarse' or 'fine' model, which runs one stack over the whole image and shares its weights."""
        if name not in ("coarse", "fine"):
            raise ValueError(f"name must be 'coarse' or 'fine'. Received: {name!r}")
        separate = getattr(self.architecture.top, "statistics", None) == "separate"
        coarse_pass = name == "coarse" and separate  # shared statistics are the refined pass's to estimate
        pyramid = self.architecture if self.architecture.has_pyramid else None
        stack, top = getattr(self, name), getattr(self, f"{name}_top")
        model = WholeModel(stack, top, coarse_pass, pyramid, name=f"{name}_model")
        model.built = True
        return model

    def get_config(self):
        return super().get_config() | {"architecture": self.architecture.to_dict()}


class WholeModel(keras.Model):
    """One stack over the whole image, and a top: images [batch, H, W, C] -> {"features", "logits"}.

    Args:
        coarse_pass: whether the top normalises by the statistics of its coarse pass.
        pyramid: the `Architecture` whose levels an image is read at, all cells in one list; training sees windows of
            one level. None where there is one level alone.

    Call arguments:
        weighting: how a sequence top pools its cells; where None by 'average', but by the top's own where an image may
            hold nothing, which most cells then see. Classifier tops take none.
    """

    def __init__(self, stack, top, coarse_pass=False, pyramid=None, **kwargs):
        super().__init__(**kwargs)
        self.pyramid = pyramid
        self.stack = stack
        self.top = top
        self.coarse_pass = coarse_pass

    def call(self, images, training=False, weighting=None):
        return self.answer(self.features(images, training), training, weighting)

    def answer(self, features, training=False, weighting=None):
        """Returns what `call` does of the stack's vectors, [batch, h, w, D] or of all levels [batch, cells, D]."""
        if isinstance(self.top, SequenceTop):
            weighting = weighting or (self.top.weighting if self.top.spec.may_be_empty else "average")
            logits = self.top(features, training=training, weighting=weighting)
        else:
            logits = self.top(features, training=training, coarse_pass=self.coarse_pass)
        return {"features": features, "logits": logits}

    def features(self, images, training=False):
        """Returns the vectors of all cells: [batch, h, w, D], or of all levels [batch, cells, D]."""
        if self.pyramid is None or training:
            return self.stack(images, training=training)
        return flat([self.stack(level.images, training=training) for level in levels_of(images, self.pyramid)])
