"""Teachers: trained classifiers that see the object alone, and whose answers other networks are trained to give."""

import tensorflow as tf

from dcn_tf.architecture import CLASSIFICATION, Architecture
from train.beginning import files_of
from train.config import Config
from train.errors import UserError
from train.initial_weights import trained_network


def teacher_of(config: Config, architecture: Architecture) -> "Teacher | None":
    """Returns what the configuration's --teacher names; None without one.

    Raises:
        UserError: the networks can't be read, or answer something else than this one.
    """
    if not config.teacher:
        return None
    networks = [trained_network(path, "--teacher") for path in files_of(config.teacher, "--teacher")]
    for network in networks:
        _check(network.architecture, architecture)
    return Teacher(networks)


def _check(taught_by: Architecture, architecture: Architecture):
    wanted, found = ((one.task, one.channels, one.top.heads) for one in (architecture, taught_by))
    if architecture.task != CLASSIFICATION or wanted != found:
        raise UserError(
            f"--teacher must be a classifier of as many channels and classes as {architecture.name}, which is for "
            f"{architecture.task} with {architecture.channels} channels and {architecture.top.heads[0]} classes. "
            f"Received: {taught_by.name}, for {taught_by.task} with {taught_by.channels} and {taught_by.top.heads[0]}"
        )


class Teacher:
    """Answers for windows of images, by the whole fine models of trained networks.

    Args:
        networks: of one task, whose images may be smaller than those that are taught about.
    """

    def __init__(self, networks):
        self._models = [(network.architecture.image_size, network.whole_model("fine")) for network in networks]

    def logits(self, images, boxes):
        """Returns the mean of the networks' log-probabilities: [batch, classes].

        Args:
            images: [batch, H, W, C], floats in [0, 1].
            boxes: [batch, 4], (left, top, right, bottom) of the object in parts of the image's sides; all zeros where
                that is not known, and the whole image is seen. What is seen is brought to the size of a network's
                images.
        """
        boxes = tf.where(boxes[:, 2:3] > boxes[:, 0:1], boxes, tf.constant([0.0, 0.0, 1.0, 1.0]))
        answers = [
            tf.nn.log_softmax(model(windows(images, boxes, size), training=False)["logits"])
            for size, model in self._models
        ]
        return tf.add_n(answers) / len(answers)


def windows(images, boxes, size):
    """Returns what lies in boxes, brought to a size bilinearly: [batch, H, W, C] -> [batch, *size, C].

    A box of whole pixels and of that size is cut out as it is, but for rounding. Args as of `Teacher.logits`.
    """
    left, top, right, bottom = tf.unstack(boxes, axis=1)
    height, width = images.shape[1:3]
    # crop_and_resize counts from the middle of the first pixel to that of the last, of the image as of what is cut out.
    edges = [
        _middles(low, high, side, count)
        for low, high, side, count in ((top, bottom, height, size[0]), (left, right, width, size[1]))
    ]
    (first_row, last_row), (first_column, last_column) = edges
    corners = tf.stack([first_row, first_column, last_row, last_column], axis=1)
    return tf.image.crop_and_resize(images, corners, tf.range(tf.shape(images)[0]), size)


def _middles(low, high, side: int, count: int):
    """Returns the middles of the first and last of `count` pixels between two edges, in parts of the way along a side.

    low, high: [batch], in parts of the side, which has `side` pixels.
    """
    half = (high - low) * side / (2 * count)  # a pixel of the result, halved
    return [(edge - 0.5) / (side - 1) for edge in (low * side + half, high * side - half)]
