"""Windows about the digits of Cluttered MNIST: the same images, of which one is told where the digit lies.

How well they are read bounds what attention can reach, and what reads them can teach a network that has to search.
"""

import dataclasses

import numpy as np

from dcn_tf.architecture import Architecture
from train.config import Config
from train.data import cluttered, digits
from train.data.dataset import Dataset, Split

NAME = "cluttered_mnist_windows"
SIDE = digits.SIDE


def check(config: Config, architecture: Architecture):
    """Raises UserError where the architecture is for something else, or memory too small for the fixed splits."""
    cluttered.check(config, architecture, SIDE, "--architecture=teacher.yaml")


def load(config: Config, architecture: Architecture) -> Dataset:
    """Returns what `cluttered_mnist` is, each image cut to the 28 x 28 pixels of its digit and what lies over it."""
    check(config, architecture)
    whole = cluttered.load_mnist(config)

    def train_batch(step):
        images, labels, boxes = whole.train_batch(step)
        return windows(images, boxes * cluttered.CANVAS), labels, np.broadcast_to(np.float32([0, 0, 1, 1]), boxes.shape)

    splits = {name: _cut(getattr(whole, name)) for name in ("validation", "test", "calibration")}
    detail = f"{whole.detail}; cut to the {SIDE} x {SIDE} pixels of the digit"
    return dataclasses.replace(whole, name=NAME, detail=detail, train_batch=train_batch, **splits)


def windows(images, boxes):
    """Returns squares of 28 pixels: uint8 [n, H, W, C] and boxes [n, 4] in pixels -> [n, 28, 28, C]."""
    corners = np.rint(boxes[:, :2]).astype(int).tolist()
    return np.stack([image[y : y + SIDE, x : x + SIDE] for image, (x, y) in zip(images, corners)])


def _cut(split: Split) -> Split:
    boxes = np.broadcast_to(np.float32([0, 0, SIDE, SIDE]), split.boxes.shape)
    return dataclasses.replace(split, images=windows(split.images, split.boxes), boxes=boxes)
