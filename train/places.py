"""A loss on the places of the fine stack's row: which digit of the number each of them shows.

A sequence top asks the fine stack for the symbol at every position of a number, so the stack has to count: which symbol
of the number a place shows depends on how many stand left of it. From the answer alone it learns that one position
after the other, long numbers last. This loss tells it at every place. It is of training alone: what reads the places
is no part of the network.
"""

import keras
import numpy as np
import tensorflow as tf

from dcn_tf import geometry
from dcn_tf.architecture import SEQUENCE, Architecture, channels_of
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
    if architecture.task != SEQUENCE or architecture.top.min_length or row_of(architecture) is None:
        raise UserError(
            "--place_weight needs a sequence top with min_length 0, and a fine stack with a map one place high that "
            f"has a place for each symbol. Received: {architecture.name}; use --preset=numbers, or leave it out"
        )
    return PlaceReader(architecture, config.seed)


def row_of(architecture: Architecture) -> int | None:
    """Returns how many layers of the fine stack end in its row; None where it has none.

    The row is the last map that is one place high and as wide as any such is, with room for every symbol.
    """
    stack, found, widest = architecture.fine, None, architecture.top.max_length - 1
    for count in range(1, len(stack) + 1):
        height, width = geometry.output_size(stack[:count], architecture.train_size)
        if height == 1 and width >= max(widest, 2):
            found, widest = count, width
    return found


class PlaceReader:
    """Reads every place of the row by one dense layer, to train the layers before it.

    Args:
        architecture: of a sequence top, with a row in its fine stack (`row_of`).

    Attributes:
        count: layers of the fine stack up to the row.
        variables: its weights: [D, positions * symbols + 1] and [positions * symbols + 1].
    """

    def __init__(self, architecture: Architecture, seed: int):
        self.count = row_of(architecture)
        stack, top, size = architecture.fine[: self.count], architecture.top, architecture.train_size
        self.positions, self.symbols = top.max_length, top.symbols
        self.centres = place_centres(stack, size)
        self._dense = keras.layers.Dense(
            self.positions * self.symbols + 1, kernel_initializer=keras.initializers.GlorotUniform(seed)
        )
        self._dense.build((None, channels_of(stack)))
        self.variables = self._dense.trainable_variables

    def loss(self, row, labels, boxes):
        """Returns the mean negative log-likelihood of what the places show, in nats.

        Places in the middle of a symbol and places beside the number count the same in all, however many they are.

        Args:
            row: [batch, 1, places, D].
            labels: [batch, 1 + positions] integer: the number of symbols, the symbols, and 'none' behind.
            boxes: [batch, 4], (left, top, right, bottom) of the number in parts of the patch; zeros for none.
        """
        logits = tf.cast(self._dense(row[:, 0]), tf.float32)
        targets, shown, beside = place_targets(labels, boxes, self.centres, self.symbols)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        return sum(
            tf.reduce_sum(losses * weights) / tf.maximum(tf.reduce_sum(weights), 1.0) for weights in (shown, beside)
        )


def place_centres(stack, size) -> np.ndarray:
    """Returns where the middle of each place of a stack's row lies, in parts of the patch's width: [places]."""
    seen = geometry.stack_geometry(stack)
    places = geometry.output_size(stack, size)[1]
    middles = seen.offset[1] + seen.stride[1] * np.arange(places) + seen.field[1] / 2
    return (middles / size[1]).astype(np.float32)


def place_targets(labels, boxes, centres, symbols: int):
    """Returns the category of each place, and whether it shows a symbol or lies beside the number.

    The symbols of a number are taken to be of one width, which those of most faces nearly are.

    Args:
        centres: [places], in parts of the patch's width.

    Returns:
        categories int32 [batch, places], position * symbols + symbol, or positions * symbols where none is shown;
        shown float32 [batch, places], 1 in the middle of a symbol; beside float32 [batch, places], 1 off the number.
    """
    positions = labels.shape[1] - 1
    length, wide = tf.cast(labels[:, :1], tf.float32), boxes[:, 2:3] - boxes[:, :1]
    holds = (length > 0) & (wide > 0)
    along = (centres - boxes[:, :1]) / tf.maximum(wide, 1e-3) * length
    position = tf.clip_by_value(tf.cast(tf.floor(along), tf.int32), 0, positions - 1)
    part = along - tf.floor(along)
    shown = holds & (along > 0) & (along < length) & (part > MIDDLE[0]) & (part < MIDDLE[1])
    beside = ~holds | (along < -BESIDE) | (along > length + BESIDE)
    symbol = tf.minimum(tf.gather(labels[:, 1:], position, batch_dims=1), symbols - 1)
    categories = tf.where(shown, position * symbols + symbol, positions * symbols)
    return categories, tf.cast(shown, tf.float32), tf.cast(beside, tf.float32)
