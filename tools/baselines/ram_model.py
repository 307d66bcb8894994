"""The Recurrent Attention Model (Mnih, Heess, Graves and Kavukcuoglu 2014, arXiv 1406.6247), and what it costs.

A network that never sees the whole image. At each of a few steps a sensor reads small windows of growing extent about
one location, a recurrent core takes them in, and a policy says where to look next. The core is the rectifier RNN of
the paper's section 3, or an LSTM, as in its section 4.3.
"""

import functools
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tools.baselines.lstm import GATES, lstm_multiplications, lstm_step

GAIN = 4.0  # of the samples, most of which are near 0


@dataclass(frozen=True)
class RamSpec:
    """The architecture; the defaults are what Mnih et al. use on 100 x 100 images (section 4).

    Attributes:
        image_size: side of the image in pixels.
        glimpses: number of steps.
        glimpse_size: side of each window in samples; even.
        scales: number of windows; each covers twice the side of the one before.
        what, where: units of the first layers over the windows and over the location.
        glimpse_units: units of the glimpse network's output.
        core: units of the recurrent core.
        classes: number of classes.
        cell: kind of the core, 'rnn' or 'lstm'.
    """

    image_size: int = 100
    glimpses: int = 8
    glimpse_size: int = 12
    scales: int = 4
    what: int = 128
    where: int = 128
    glimpse_units: int = 256
    core: int = 256
    classes: int = 10
    cell: str = "rnn"

    @property
    def samples(self) -> int:
        """Numbers that the sensor reads at one location."""
        return self.scales * self.glimpse_size**2

    @property
    def map_sizes(self) -> tuple[int, ...]:
        """Side of the image at each scale, the image being continued by zeros to a multiple of the coarsest."""
        coarsest = -(-self.image_size // 2 ** (self.scales - 1))
        return tuple(coarsest * 2**scale for scale in reversed(range(self.scales)))


def pyramid(images, spec: RamSpec):
    """Returns each image at every scale, by averaging, with half a window of zeros around it, in one row.

    Args:
        images: [batch, image_size, image_size, 1].

    Returns:
        [batch, sum over scales of (side + glimpse_size) ** 2].
    """
    margin, rows = spec.glimpse_size // 2, []
    beyond = spec.map_sizes[0] - spec.image_size
    images = tf.pad(images, [[0, 0], [0, beyond], [0, beyond], [0, 0]])
    for side in spec.map_sizes:
        padded = tf.pad(images[..., 0], [[0, 0], [margin, margin], [margin, margin]])
        rows.append(tf.reshape(padded, [-1, (side + 2 * margin) ** 2]))
        images = tf.nn.avg_pool2d(images, 2, 2, "VALID")
    return tf.concat(rows, axis=1)


def glimpses_at(pyramids, locations, spec: RamSpec):
    """Returns what the sensor reads: windows about locations, the finest first; zero beyond the image.

    Windows begin at whole samples of their scale. There is no gradient with respect to the locations.

    Args:
        pyramids: [images, samples], see `pyramid`.
        locations: [images * trajectories, 2], (row, column), from -1, the image's upper or left edge, to 1. Those of
            one image stand next to each other.

    Returns:
        [images * trajectories, scales * glimpse_size ** 2].
    """
    starts, offsets, begin = [], [], 0
    for scale, side in enumerate(spec.map_sizes):
        width = side + spec.glimpse_size
        corners = tf.cast(tf.round((locations + 1) * (spec.image_size / 2 / 2**scale)), tf.int32)  # of padded maps
        starts.append(begin + corners[:, 0] * width + corners[:, 1])
        rows, columns = np.indices((spec.glimpse_size, spec.glimpse_size))
        offsets.append((rows * width + columns).ravel())
        begin += width * width
    indices = tf.stack(starts, axis=1)[:, :, None] + np.stack(offsets).astype(np.int32)  # [n, scales, size ** 2]
    images = tf.shape(pyramids)[0]
    return tf.reshape(
        tf.gather(pyramids, tf.reshape(indices, [images, -1]), batch_dims=1), [tf.shape(locations)[0], spec.samples]
    )


class RecurrentAttentionModel(keras.Model):
    """Image -> class, by a few glimpses.

    The first glimpse is at the image's centre. Each later location is the policy's mean, with noise where it is given,
    kept within the image.

    Args:
        spec: a `RamSpec`.

    Call arguments:
        images: float [batch, image_size, image_size, 1], in [0, 1].
        noise: [batch * trajectories, glimpses - 1, 2], added to the means; None for the means themselves, and one
            trajectory per image.

    Returns:
        A dictionary, each for n = batch * trajectories: `logits` [n, glimpses, classes], what is answered after each
        glimpse; `locations` [n, glimpses, 2]; `means` [n, glimpses - 1, 2], of the policy, and `baselines`
        [n, glimpses - 1], what it expects, for the second glimpse and on.
    """

    def __init__(self, spec: RamSpec, **kwargs):
        super().__init__(**kwargs)
        self.spec = spec
        dense = functools.partial(keras.layers.Dense, kernel_initializer="he_uniform")
        self.what = [dense(spec.what, "relu"), dense(spec.glimpse_units)]
        self.where = [dense(spec.where, "relu"), dense(spec.glimpse_units, use_bias=False)]
        units = spec.core * (GATES if spec.cell == "lstm" else 1)
        initializer = "glorot_uniform" if spec.cell == "lstm" else "he_uniform"  # gates saturate, rectifiers don't
        self.from_glimpse = dense(units, kernel_initializer=initializer)
        self.from_state = dense(units, use_bias=False, kernel_initializer="orthogonal")
        self.classifier = dense(spec.classes, name="logits")
        small = keras.initializers.RandomNormal(stddev=0.01)
        self.locator = dense(2, "tanh", kernel_initializer=small, name="location_logits")
        self.baseline = dense(1, name="baseline_logits")

    @property
    def inner_layers(self) -> list[keras.layers.Layer]:
        """The layers that may compute in bfloat16: all but the outputs."""
        return [*self.what, *self.where, self.from_glimpse, self.from_state]

    def build(self, input_shape=None):
        spec = self.spec
        for layers, inputs in ((self.what, spec.samples), (self.where, 2)):
            layers[0].build((None, inputs))
            layers[1].build((None, layers[0].units))
        self.from_glimpse.build((None, spec.glimpse_units))
        for layer in (self.from_state, self.classifier, self.locator, self.baseline):
            layer.build((None, spec.core))
        self.built = True

    def call(self, images, noise=None):
        spec, pyramids = self.spec, pyramid(images, self.spec)
        count = tf.shape(images)[0] if noise is None else tf.shape(noise)[0]
        location, state = tf.zeros([count, 2]), (tf.zeros([count, spec.core]),) * 2
        states, locations, means = [], [], []
        for step in range(spec.glimpses):
            state = self._take_in(state, glimpses_at(pyramids, location, spec), location)
            states.append(state[0])
            locations.append(location)
            means.append(self.locator(state[0]))
            chosen = means[-1] if noise is None or step + 1 == spec.glimpses else means[-1] + noise[:, step]
            location = tf.stop_gradient(tf.clip_by_value(chosen, -1.0, 1.0))
        states = tf.stack(states, axis=1)  # [n, glimpses, core]
        return {
            "logits": self.classifier(states),
            "locations": tf.stack(locations, axis=1),
            "means": tf.stack(means[:-1], axis=1),
            "baselines": self.baseline(tf.stop_gradient(states[:, :-1]))[..., 0],
        }

    def _take_in(self, state, samples, location):
        """Returns the core's next (output, memory): the glimpse network, and one step. An RNN's memory stays empty."""
        glimpse = tf.nn.relu(self.what[1](self.what[0](GAIN * samples)) + self.where[1](self.where[0](location)))
        output, memory = state
        found = self.from_state(output) + self.from_glimpse(glimpse)
        if self.spec.cell == "lstm":
            return lstm_step(found, memory)
        return tf.nn.relu(tf.cast(found, output.dtype)), memory


def multiplications(spec: RamSpec, glimpses: int | None = None, trajectories: int = 1) -> int:
    """Returns the multiplications of one image's answer after so many glimpses, by default all.

    Per glimpse: the glimpse network, the core, and, but for the last, the policy. Per trajectory: the classifier once.
    Per image: one for each averaged sample of the coarser scales. As in `dcn_tf.cost`, biases and activations cost
    nothing; the samples' gain belongs into the first layer's weights.
    """
    glimpses = spec.glimpses if glimpses is None else glimpses
    averaged = sum(side**2 for side in spec.map_sizes[1:])
    policy = spec.core * 2
    trajectory = glimpses * (glimpse_multiplications(spec) + policy) - policy + spec.core * spec.classes
    return averaged + trajectories * trajectory


def glimpse_multiplications(spec: RamSpec) -> int:
    """Returns the multiplications of one glimpse: the glimpse network and one step of the core."""
    what = spec.samples * spec.what + spec.what * spec.glimpse_units
    where = 2 * spec.where + spec.where * spec.glimpse_units
    if spec.cell == "lstm":
        return what + where + lstm_multiplications(spec.glimpse_units, spec.core)
    return what + where + (spec.glimpse_units + spec.core) * spec.core
