"""Keras layers: the coarse and the fine stack, the classifier top and the sequence top.

All of them are built from the descriptions in `dcn_tf.architecture` and serialise through them.
"""

import keras
import tensorflow as tf

from dcn_tf import architecture as spec
from dcn_tf import geometry
from dcn_tf.blocks import BATCH_NORMALIZATION, Blocks, block_of
from dcn_tf.declared_layer import shape_after
from dcn_tf.normalization import BatchNormalization
from dcn_tf.saliency import entropy, heads_entropy
from dcn_tf.sequences import NO_VOTE, PRESENCE_POWER, log_odds, votes, weighted_mean, with_presence
from dcn_tf.top_specs import REFINED_WEIGHTINGS

PACKAGE = "dcn_tf"
INVERSE_ENTROPY_FLOOR = 1e-3  # nats; keeps the weight 1 / H of a certain cell finite


class Stack(Blocks):
    """A stack of convolutions, max poolings and other layers over a map, from its description.

    Every convolution is followed by batch normalisation, activation and dropout as its description says.

    Args:
        layers: a sequence of layers of `dcn_tf.descriptions`, or of their dictionaries.

    Attributes:
        layers: the Keras layers themselves, under the name that Keras looks for.

    Input shape:
        [batch, height, width, channels].

    Output shape:
        [batch, h, w, D], see `geometry.output_size`.

    Raises:
        ValueError: the input is too small for the stack.
    """

    def __init__(self, layers, **kwargs):
        descriptions = spec.stack_from_list(layers)
        super().__init__(descriptions, **kwargs)
        self.descriptions = descriptions
        self.geometry = geometry.stack_geometry(descriptions)

    def call(self, inputs, training=False):
        self.compute_output_shape(inputs.shape)  # speaks up where the input is too small
        return self.part(inputs, training=training)

    def compute_output_shape(self, input_shape):
        return (*shape_after(self.descriptions, input_shape), spec.channels_of(self.descriptions))

    def get_config(self):
        return super().get_config() | {"layers": spec.stack_to_list(self.descriptions)}


@keras.saving.register_keras_serializable(PACKAGE)
class CoarseStack(Stack):
    """The cheap stack f_c that runs on the whole image: [batch, H, W, C] -> coarse features [batch, h, w, D]."""


@keras.saving.register_keras_serializable(PACKAGE)
class FineStack(Stack):
    """The costly stack f_f. On a whole image it gives a map, on patches one vector each.

    Call arguments:
        inputs: images [batch, H, W, C], or patches [batch, k, p, p, C].

    Output shape:
        [batch, h, w, D] for images, [batch, k, D] for patches.

    A patch that is larger than one cell's needs gives a small map, which is averaged.
    """

    def build(self, input_shape):
        super().build((None, *input_shape[-3:]))

    def call(self, inputs, training=False):
        if inputs.shape.rank == 4:
            return super().call(inputs, training=training)
        shape = tf.shape(inputs)
        merged = tf.reshape(inputs, tf.concat([[shape[0] * shape[1]], shape[2:]], axis=0))
        merged.set_shape([None, *inputs.shape[2:]])
        features = self.average(super().call(merged, training=training))
        return tf.reshape(features, [shape[0], shape[1], features.shape[-1]])

    def average(self, maps):
        """Returns one vector per map: [n, h, w, D] -> [n, D]."""
        return tf.reduce_mean(maps, axis=(1, 2))

    def compute_output_shape(self, input_shape):
        if len(input_shape) == 4:
            return super().compute_output_shape(input_shape)
        return (*input_shape[:2], spec.channels_of(self.descriptions))


@keras.saving.register_keras_serializable(PACKAGE)
class ClassifierTop(keras.layers.Layer):
    """The top g of a classifier: convolution, global max pooling, softmax over classes (paper, section 4.1).

    The paper leaves open which batch statistics the two passes of g use. With 'separate', each pass is normalised by
    its own, in training those of the batch; scale and shift are common to both. With 'shared', the refined pass alone
    estimates them and the coarse pass is normalised by their moving averages, in training too, so that an image's
    saliency does not depend on the rest of its batch. The measurement behind the default is in results/README.md.

    Call arguments:
        features: [batch, h, w, D].
        training: whether batch statistics are used and updated.
        coarse_pass: whether this is the pass over the coarse map, from which the saliency is taken.

    Output shape:
        logits, [batch, classes].
    """

    def __init__(self, conv, classes, statistics="separate", **kwargs):
        super().__init__(**kwargs)
        conv = conv if isinstance(conv, spec.Conv) else spec.Conv(**conv)
        self.spec = spec.ClassifierTopSpec(conv, classes, statistics)
        self.block = block_of(conv, self.dtype_policy)
        self.dense = keras.layers.Dense(classes, dtype=self.dtype_policy, name="logits")
        self.coarse_normalization = None
        if statistics == "separate" and conv.batch_normalization:
            self.coarse_normalization = BatchNormalization(
                **BATCH_NORMALIZATION, center=False, scale=False, name="coarse_normalization"
            )

    def build(self, input_shape):
        self.block.build(input_shape)
        map_shape = self.block.compute_output_shape(input_shape)
        if self.coarse_normalization is not None:
            self.coarse_normalization.build(map_shape)
        self.dense.build((map_shape[0], map_shape[-1]))

    def activation_map(self, features, training=False, coarse_pass=False):
        """Returns what the global max pooling sees: [batch, h', w', filters]."""
        if not coarse_pass:
            return self.block(features, training=training)
        if self.coarse_normalization is None:
            return self.block(features, training=False)
        return self.block(features, training=training, normalization=self._normalize_coarse)

    def _normalize_coarse(self, inputs, training, activation):
        affine = self.block.normalization
        return self.coarse_normalization(inputs, training=training, affine=affine, activation=activation)

    def classify(self, activation_map):
        """Returns logits [batch, classes] of an activation map."""
        return self.dense(tf.reduce_max(activation_map, axis=(1, 2)))

    def call(self, features, training=False, coarse_pass=False):
        return self.classify(self.activation_map(features, training, coarse_pass))

    def entropy(self, logits):
        """Returns the entropy of the output in nats: [batch, classes] -> [batch]."""
        return entropy(logits)

    def get_config(self):
        config = spec.dataclasses.asdict(self.spec)
        return super().get_config() | config


@keras.saving.register_keras_serializable(PACKAGE)
class SequenceTop(keras.layers.Layer):
    """The top g for sequences: a prediction per cell (the probability map), pooled over cells (paper, section 4.2).

    A cell's prediction is a softmax over lengths and one per position; they stand side by side in one vector ('heads').

    Args:
        weighting: 'average'; 'inverse_entropy': per softmax, cells weigh in proportion to 1 / entropy of theirs;
            'presence' or 'votes', see `cell_weights`.

    Call arguments:
        features: [batch, h, w, D], or [batch, k, D].
        weighting: replaces the layer's own for this call.
        coarse_pass: without effect; taken so that every top is called alike.

    Output shape:
        log-probabilities, [batch, sum(heads)]: a head of lengths, and one of symbols + 1 for each position. Being
        normalised, they are logits as well.
    """

    def __init__(self, max_length, symbols, weighting="average", min_length=1, box=False, **kwargs):
        super().__init__(**kwargs)
        self.spec = spec.SequenceTopSpec(max_length, symbols, min_length=min_length, box=box)
        self.weighting = _checked_weighting(weighting)
        self.dense = keras.layers.Dense(sum(self.spec.heads), dtype=self.dtype_policy, name="cell_logits")
        self.box = keras.layers.Dense(4, dtype=self.dtype_policy, name="box") if box else None

    def build(self, input_shape):
        self.dense.build(input_shape)
        if self.box is not None:
            self.box.build(input_shape)

    def cell_logits(self, features):
        """Returns the logits of every cell's own prediction: [..., D] -> [..., sum(heads)]."""
        return self.dense(features)

    def cell_boxes(self, features):
        """Returns where each cell sees its sequence: [..., D] -> [..., 4], in parts of its patch."""
        return self.box(features)

    def pool(self, cell_logits, weighting=None, log_weights=None, counted=None):
        """Returns the pooled log-probabilities: [batch, ..., sum(heads)] -> [batch, sum(heads)].

        `log_weights` are those of `cell_weights`, where they are known. They serve where all softmaxes have the same.
        `counted`, [batch, cells], tells which cells have a part in it; all where None.
        """
        weighting = _checked_weighting(weighting or self.weighting)
        cell_logits = tf.reshape(cell_logits, [tf.shape(cell_logits)[0], -1, sum(self.spec.heads)])
        heads = tf.split(cell_logits, self.spec.heads, axis=-1)  # each [batch, cells, categories]
        if weighting == "inverse_entropy":
            weights = [-tf.math.log(entropy(logits) + INVERSE_ENTROPY_FLOOR) for logits in heads]
        elif weighting == "average":
            weights = [tf.zeros_like(logits[..., 0]) for logits in heads]
        else:
            shared = self.cell_weights(cell_logits, weighting, counted) if log_weights is None else log_weights
            weights = [shared] * len(heads)
        weights = [_of_counted(log_weights, counted) for log_weights in weights]
        pooled = [weighted_mean(logits, log_weights) for logits, log_weights in zip(heads, weights)]
        if weighting == "presence":
            pooled[0] = with_presence(heads[0], weights[0])
        return tf.concat(pooled, axis=-1)

    def cell_weights(self, cell_logits, weighting=None, counted=None):
        """Returns each cell's weight as a logarithm, but for a constant: [batch, cells, sum(heads)] -> [batch, cells].

        By 'presence' a cell weighs by the odds that there is something to read in it, to the power of `PRESENCE_POWER`:
        odds go on growing where the probability is almost one, so that a few cells have nearly all the weight, and all
        the saliency with it. By 'votes' one reading wins, and the cells that read it weigh as much as they are sure
        (`sequences.votes`). By 'average' all weigh alike, by 'inverse_entropy' by that of all its softmaxes together.
        """
        weighting = _checked_weighting(weighting or self.weighting)
        if weighting == "presence":
            log_weights = PRESENCE_POWER * log_odds(tf.split(cell_logits, self.spec.heads, axis=-1)[0])
        elif weighting == "votes":
            log_weights = votes(cell_logits, self.spec.heads, counted)
        elif weighting == "inverse_entropy":
            log_weights = -tf.math.log(heads_entropy(cell_logits, self.spec.heads) + INVERSE_ENTROPY_FLOOR)
        else:
            log_weights = tf.zeros_like(cell_logits[..., 0])
        return _of_counted(log_weights, counted)

    def call(self, features, training=False, weighting=None, coarse_pass=False):
        return self.pool(self.cell_logits(features), weighting)

    def entropy(self, logits):
        """Returns the summed entropies of the positions' softmaxes in nats: [batch, sum(heads)] -> [batch]."""
        return heads_entropy(logits, self.spec.heads, self.spec.saliency_heads)

    def get_config(self):
        config = {name: getattr(self.spec, name) for name in ("max_length", "symbols", "min_length", "box")}
        return super().get_config() | config | {"weighting": self.weighting}


def _of_counted(log_weights, counted):
    """Returns log-weights, of which those of cells that don't count are as good as none; `counted` None: all do."""
    return log_weights if counted is None else tf.where(counted, log_weights, NO_VOTE)


def _checked_weighting(weighting):
    if weighting not in REFINED_WEIGHTINGS:
        raise ValueError(f"weighting must be one of {REFINED_WEIGHTINGS}. Received: {weighting!r}")
    return weighting
