"""A loss on the places of the row that the fine stack counts along: which symbol each of them shows, and the count.

A sequence top asks the fine stack for the symbol at every position of a number. From the answer alone it learns one
position after the other, long numbers last. Where the number lies is known in training, so that every place of the row
can be told which symbol it shows, and how many symbols end left of it. What reads the places' symbols is no part of the
network.
"""

import keras
import numpy as np
import tensorflow as tf

from dcn_tf import geometry
from dcn_tf.architecture import Architecture, IntegrateAndFire
from train.config import Config
from train.errors import UserError

MIDDLE = (0.2, 0.8)  # of a symbol's width, in which a place shows that symbol for certain
BESIDE = 0.3  # widths of a symbol from the number's end on which a place is beside it


def place_reader_of(config: Config, architecture: Architecture) -> "PlaceReader | None":
    """Returns what the configuration's --place_weight asks for; None where that is 0.

    Raises:
        UserError: the training or the network has nothing to read places of.
    """
    if not config.place_weight:
        return None
    if config.training != "modular" or config.model == "coarse":
        raise UserError("--place_weight is of the fine stack over windows; add --training=modular, or leave it out")
    if not architecture.top.may_be_empty or row_of(architecture) is None:
        raise UserError(
            "--place_weight needs a sequence top with min_length 0, and a fine stack whose last layer is of kind "
            f"integrate_and_fire. Received: {architecture.name}; use --preset=numbers, or leave it out"
        )
    return PlaceReader(architecture, config.seed)


def row_of(architecture: Architecture) -> int | None:
    """Returns how many layers of the fine stack end in the row that its last layer counts along; None without one."""
    return len(architecture.fine) - 1 if isinstance(architecture.fine[-1], IntegrateAndFire) else None


class PlaceReader:
    """Reads every place of the row by one dense layer, to train the layers before it.

    Args:
        architecture: of a sequence top, with a row that is counted along (`row_of`).

    Attributes:
        count: layers of the fine stack up to the row.
        variables: its weights: [features, symbols + 1] and [symbols + 1].
    """

    def __init__(self, architecture: Architecture, seed: int):
        self.count = row_of(architecture)
        self.symbols = architecture.top.symbols
        self.centres = place_centres(architecture.fine[: self.count], architecture.train_size)
        self._dense = keras.layers.Dense(self.symbols + 1, kernel_initializer=keras.initializers.GlorotUniform(seed))
        self._dense.build((None, architecture.fine[-1].features))
        self.variables = self._dense.trainable_variables

    def loss(self, row, labels, boxes):
        """Returns the mean negative log-likelihood of what the places show, in nats, and of the count's error.

        Places in the middle of a symbol and places beside the number count the same in all, however many they are.

        Args:
            row: [batch, 1, places, 1 + features].
            labels: [batch, 1 + positions] integer: the number of symbols, the symbols, and 'none' behind.
            boxes: [batch, 4 + positions], (left, top, right, bottom) of the number in parts of the patch, zeros for
                none, and where its symbols end, see `train.data.dataset.Split`.
        """
        row = tf.cast(row[:, 0], tf.float32)
        logits = self._dense(tf.nn.relu(row[..., 1:]))
        symbols, shown, beside, least, most = place_targets(labels, boxes, self.centres, self.symbols)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(symbols, logits)
        amounts = tf.sigmoid(row[..., 0])
        counted = tf.cumsum(amounts, axis=1) - amounts / 2  # at the middle of each place
        off = tf.nn.relu(least - counted) + tf.nn.relu(counted - most)
        within = tf.cast(most >= 0, tf.float32)
        return sum(
            tf.reduce_sum(values * weights) / tf.maximum(tf.reduce_sum(weights), 1.0)
            for values, weights in ((losses, shown), (losses, beside), (off, within))
        )


def place_centres(stack, size) -> np.ndarray:
    """Returns where the middle of each place of a stack's row lies, in parts of the patch's width: [places]."""
    seen = geometry.stack_geometry(stack)
    places = geometry.output_size(stack, size)[1]
    middles = seen.offset[1] + seen.stride[1] * np.arange(places) + seen.field[1] / 2
    return (middles / size[1]).astype(np.float32)


def place_targets(labels, boxes, centres, symbols: int):
    """Returns what each place of the row shows, and between which counts of symbols it lies.

    A window without a number tells nothing of its places: there may be a part of one.

    Args:
        boxes: as `PlaceReader.loss` takes them.
        centres: [places], in parts of the patch's width.

    Returns:
        symbols int32 [batch, places], `symbols` where none is shown; shown float32 [batch, places], 1 in the middle of
        a symbol; beside float32 [batch, places], 1 off the number; least and most float32 [batch, places], the symbols
        that end, and that begin, left of the place: -1 where nobody can tell.
    """
    positions = labels.shape[1] - 1
    length, wide = tf.cast(labels[:, :1], tf.float32), boxes[:, 2:3] - boxes[:, :1]
    holds = (length > 0) & (wide > 0)
    along = (centres - boxes[:, :1]) / tf.maximum(wide, 1e-3)  # in parts of the number
    ends = boxes[:, 4:]
    position = tf.reduce_sum(tf.cast(along[..., None] >= ends[:, None], tf.int32), axis=2)
    position = tf.minimum(position, positions - 1)
    starts = tf.pad(ends[:, :-1], [(0, 0), (1, 0)])
    start, end = (tf.gather(sides, position, batch_dims=1) for sides in (starts, ends))
    part = (along - start) / tf.maximum(end - start, 1e-3)
    within = holds & (along > 0) & (along < 1)
    shown = within & (part > MIDDLE[0]) & (part < MIDDLE[1])
    beside = holds & (tf.abs(along - 0.5) > 0.5 + BESIDE / tf.maximum(length, 1))
    symbol = tf.where(shown, tf.gather(labels[:, 1:], position, batch_dims=1), symbols)
    passed = tf.where(along < 0.5, 0.0, length)  # off the number
    count = tf.cast(position, tf.float32)
    least, most = (tf.where(holds, tf.where(within, of_it, passed), -1.0) for of_it in (count, count + 1))
    return tf.minimum(symbol, symbols), tf.cast(shown, tf.float32), tf.cast(beside, tf.float32), least, most
