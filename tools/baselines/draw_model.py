"""DRAW's classifier (Gregor, Danihelka, Graves, Rezende, Wierstra 2015, arXiv 1502.04623, section 4.1), and its cost.

An LSTM looks at an image through a grid of Gaussian filters, which it places, spaces and widens itself. Unlike RAM's
glimpses they have a gradient, so that cross-entropy alone trains it; but each glimpse multiplies the whole image.
"""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tools.baselines.lstm import GATES, lstm_multiplications, lstm_step

LEAST_SUM = 1e-8  # of a filter that lies beyond the image
PARAMETERS = 5  # of a grid: its centre, the filters' variance, their spacing and the samples' gain


@dataclass(frozen=True)
class DrawSpec:
    """The architecture; the defaults are what Gregor et al. use on 100 x 100 images (their section 4.1).

    Attributes:
        image_size: side of the image in pixels.
        glimpses: number of steps.
        glimpse_size: side of the grid of filters.
        core: units of the LSTM.
        classes: number of classes.
    """

    image_size: int = 100
    glimpses: int = 8
    glimpse_size: int = 12
    core: int = 256
    classes: int = 10

    @property
    def widest(self) -> float:
        """Spacing in pixels of a grid that reaches from one border of the image to the other."""
        return (self.image_size - 1) / (self.glimpse_size - 1)


def grid(parameters, spec: DrawSpec):
    """Returns where a grid's filters are (their equations 19 to 24).

    Args:
        parameters: [n, 5], unbounded: the centre's row and column, from -1 to 1 over the image; logarithms of the
            variance in squared pixels, of the spacing in parts of the widest, and of the gain.

    Returns:
        Rows and columns of the filters' centres in pixels, each [n, glimpse_size]; variance [n, 1] and gain [n, 1].
    """
    row, column, variance, spacing, gain = tf.split(parameters, PARAMETERS, axis=-1)
    offsets = np.arange(spec.glimpse_size, dtype=np.float32) - (spec.glimpse_size - 1) / 2
    steps = spec.widest * tf.exp(spacing) * offsets
    rows, columns = ((spec.image_size + 1) / 2 * (place + 1) - 1 + steps for place in (row, column))
    return rows, columns, tf.exp(variance), tf.exp(gain)


def filter_bank(centres, variance, side: int):
    """Returns Gaussian filters over one side of an image, each of sum 1 (equations 25 and 26).

    Args:
        centres: [n, filters] in pixels.
        variance: [n, 1] in squared pixels.
        side: of the image in pixels.

    Returns:
        [n, filters, side].
    """
    distances = tf.range(side, dtype=tf.float32) - centres[..., None]
    weights = tf.exp(-tf.square(distances) / (2 * variance[..., None]))
    return weights / tf.maximum(tf.reduce_sum(weights, axis=-1, keepdims=True), LEAST_SUM)


class DrawClassifier(keras.Model):
    """Image -> class, through a few grids of Gaussian filters.

    The first grid covers the whole image, each filter as wide as half its spacing: the paper does not say where it
    begins, and without a bias filters one pixel wide would lie nine pixels apart.

    Args:
        spec: a `DrawSpec`.

    Call arguments:
        images: float [batch, image_size, image_size, 1], in [0, 1].

    Returns:
        A dictionary: `logits` [batch, glimpses, classes], what is answered after each glimpse, and `grids`
        [batch, glimpses, 5], the parameters of each (`grid`).
    """

    def __init__(self, spec: DrawSpec, **kwargs):
        super().__init__(**kwargs)
        self.spec = spec
        first = np.array([0, 0, 2 * np.log(spec.widest / 2), 0, 0], np.float32)
        small = keras.initializers.RandomNormal(stddev=0.01)
        self.from_glimpse = keras.layers.Dense(GATES * spec.core)
        self.from_state = keras.layers.Dense(GATES * spec.core, use_bias=False, kernel_initializer="orthogonal")
        self.attention = keras.layers.Dense(
            PARAMETERS,
            kernel_initializer=small,
            bias_initializer=lambda shape, dtype=None: tf.constant(first),
            name="grid_logits",  # an output, which Muon leaves to AdamW
        )
        self.classifier = keras.layers.Dense(spec.classes, name="logits")

    @property
    def inner_layers(self) -> list[keras.layers.Layer]:
        """The layers that may compute in bfloat16: all but the outputs."""
        return [self.from_glimpse, self.from_state]

    def build(self, input_shape=None):
        self.from_glimpse.build((None, self.spec.glimpse_size**2))
        for layer in (self.from_state, self.attention, self.classifier):
            layer.build((None, self.spec.core))
        self.built = True

    def call(self, images):
        images = images[..., 0]
        output = memory = tf.zeros([tf.shape(images)[0], self.spec.core])
        outputs, grids = [], []
        for _ in range(self.spec.glimpses):
            grids.append(self.attention(output))
            samples = self.read(images, grids[-1])
            output, memory = lstm_step(self.from_state(output) + self.from_glimpse(samples), memory)
            outputs.append(output)
        return {"logits": self.classifier(tf.stack(outputs, axis=1)), "grids": tf.stack(grids, axis=1)}

    def read(self, images, parameters):
        """Returns what a grid sees (equation 27): [n, side, side], [n, 5] -> [n, glimpse_size ** 2]."""
        rows, columns, variance, gain = grid(parameters, self.spec)
        down, across = (filter_bank(centres, variance, self.spec.image_size) for centres in (rows, columns))
        seen = tf.matmul(tf.matmul(down, images), across, transpose_b=True)
        return gain * tf.reshape(seen, [-1, self.spec.glimpse_size**2])


def multiplications(spec: DrawSpec, glimpses: int | None = None) -> int:
    """Returns the multiplications of one image's answer after so many glimpses, by default all.

    Per glimpse: the grid's parameters; for each weight of the two filter banks a square, its scale and its share; the
    two products with the image; the gain; and one step of the LSTM. Per image: the classifier once. Exponentials and
    biases cost nothing, as activations in `dcn_tf.cost`.
    """
    glimpses = spec.glimpses if glimpses is None else glimpses
    size, side = spec.glimpse_size, spec.image_size
    banks = 2 * 3 * size * side
    products = size * side * side + size * size * side
    place = spec.core * PARAMETERS + 2 * size + 2  # the centres of the filters: offsets once, the rest per axis
    step = place + banks + products + size * size + lstm_multiplications(size * size, spec.core)
    return glimpses * step + spec.core * spec.classes
