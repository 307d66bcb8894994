"""Cluttered digits: a digit somewhere on a large canvas, among fragments of others (paper, section 4.1).

The generator is the one that the paper used (deepmind/mnist-cluttered): on a canvas of zeros, eight times a random
digit of the same split is taken and an 8 x 8 crop of it added somewhere; then the digit that gives the label is added
somewhere. Sums are clipped at white.
"""

import functools
import math

import numpy as np

from dcn_tf.architecture import Architecture
from train.config import Config
from train.data import digits
from train.data.dataset import Dataset, Split, epoch_indices, step_generator
from train.data.room import check_room
from train.errors import UserError

CANVAS = 100
DISTRACTORS = 8
FRAGMENT = 8
CALIBRATION_IMAGES = 1024
SET = 10_000  # images of a split whose clutter is drawn together: more images leave the first ones as they are
# Fixed, so that runs of every seed are measured on the same images.
SPLIT_SEEDS = {"validation": 101, "test": 102, "calibration": 103}
# At a distortion of 1 a digit is turned by up to 15 degrees, and stretched and sheared by up to 15 %.
GREATEST_ANGLE, GREATEST_STRETCH = np.radians(15), 0.15
KNOT_SPACING = 6  # pixels between the knots of a field of shifts: a stroke of a digit bends a few times
DISTORTED_SHARE = 0.5  # of training images; the others are as sharp as those that are read later


def clutter(
    digit_images,
    targets,
    rng,
    canvas=CANVAS,
    distractors=DISTRACTORS,
    fragment=FRAGMENT,
    distortion=0.0,
    elasticity=0.0,
):
    """Returns one cluttered image for each target, and where the target is in it.

    Args:
        digit_images: uint8 [n, 28, 28], from which targets and distractors are taken.
        targets: [batch] indices of the digits that give the labels.
        canvas: side of the result in pixels.
        fragment: side of a fragment in pixels.
        distortion, elasticity: of all digits of every second image, those that fragments are taken from too, see
            `distorted`.

    Returns:
        Images, uint8 [batch, canvas, canvas, 1], and the target's upper left corners, [batch, 2] (row, column).
    """
    batch, side = len(targets), digit_images.shape[1]
    sources = rng.integers(len(digit_images), size=(batch, distractors))
    crops = rng.integers(side - fragment + 1, size=(batch, distractors, 2))
    places = rng.integers(canvas - fragment + 1, size=(batch, distractors, 2))
    corners = rng.integers(canvas - side + 1, size=(batch, 2))
    parts, whole = digit_images[sources], digit_images[targets]  # [batch, distractors, 28, 28], [batch, 28, 28]
    if distortion or elasticity:  # of both alike: else smoothness would tell a digit from fragments
        some, how = rng.random(batch) < DISTORTED_SHARE, (distortion, rng, elasticity)
        parts[some] = distorted(parts[some].reshape(-1, side, side), *how).reshape(parts[some].shape)
        whole[some] = distorted(whole[some], *how)
    images = np.zeros((batch, canvas, canvas), np.uint16)  # wide enough for the sum of all that may overlap
    for image, digits_, crop, place in zip(images, parts, crops.tolist(), places.tolist()):
        for digit, (y, x), (row, column) in zip(digits_, crop, place):
            image[row : row + fragment, column : column + fragment] += digit[y : y + fragment, x : x + fragment]
    np.minimum(images, 255, out=images)
    for image, digit, (row, column) in zip(images, whole, corners.tolist()):
        image[row : row + side, column : column + side] += digit
    return np.minimum(images, 255, out=images).astype(np.uint8)[..., None], corners


def distorted(digit_images, distortion: float, rng, elasticity: float = 0.0):
    """Returns digits turned, stretched, sheared and bent at random about their middle: uint8 [n, h, w] -> the same.

    Args:
        distortion: the greatest angle, in parts of 15 degrees; the greatest stretch and shear, in parts of 15 %.
        elasticity: the standard deviation in pixels of a smooth field of shifts (after Simard et al. 2003).
    """
    import cv2  # where nothing is distorted nothing but numpy is needed

    matrices = _turns(len(digit_images), digit_images.shape[1:], distortion, rng)
    height, width = digit_images.shape[1:]
    if not elasticity:
        pairs = zip(digit_images, matrices)
        made = [cv2.warpAffine(digit, move, (width, height), flags=cv2.INTER_CUBIC) for digit, move in pairs]
        return np.array(made, np.uint8).reshape(digit_images.shape)
    inverses = np.linalg.inv(np.concatenate([matrices, np.tile([[[0.0, 0.0, 1.0]]], (len(matrices), 1, 1))], axis=1))
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    places = inverses[:, :2] @ np.stack([columns.ravel(), rows.ravel(), np.ones(columns.size)])  # [n, 2, h * w]
    places = places.reshape(-1, 2, height, width) + elasticity * _fields(len(places), (height, width), rng)
    pairs = zip(digit_images, places.astype(np.float32))
    made = [cv2.remap(digit, x, y, cv2.INTER_CUBIC) for digit, (x, y) in pairs]
    return np.array(made, np.uint8).reshape(digit_images.shape)


def _turns(count: int, shape, distortion: float, rng):
    """Returns random matrices [n, 2, 3] that turn, stretch and shear pictures of `shape` about their middle."""
    angles = rng.uniform(-1, 1, count) * distortion * GREATEST_ANGLE
    stretches = np.exp(rng.uniform(-1, 1, (count, 2)) * distortion * GREATEST_STRETCH)
    shears = rng.uniform(-1, 1, count) * distortion * GREATEST_STRETCH
    cosines, sines = np.cos(angles), np.sin(angles)
    turns = np.stack([np.stack([cosines, -sines], axis=-1), np.stack([sines, cosines], axis=-1)], axis=1)  # [n, 2, 2]
    slants = np.zeros((count, 2, 2)) + np.eye(2)
    slants[:, 0, 1] = shears
    matrices = turns @ slants * stretches[:, None]
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    shifts = middle - matrices @ middle
    return np.concatenate([matrices, shifts[..., None]], axis=-1)


def _fields(count: int, shape, rng):
    """Returns smooth random fields of shifts [n, 2, h, w] of deviation one, by a Gaussian about a few knots a side."""
    ways = [_blend(side) for side in shape]
    knots = rng.standard_normal((count, 2, *(way.shape[1] for way in ways)))
    return ways[0] @ knots @ ways[1].T


@functools.cache
def _blend(side: int):
    """Returns the share that each knot has in each pixel of a side: [side, knots], the squares of a pixel sum to 1."""
    distances = np.arange(side)[:, None] / KNOT_SPACING - np.arange(math.ceil(side / KNOT_SPACING) + 1)
    weights = np.exp(-(distances**2))
    return weights / np.sqrt((weights**2).sum(axis=1, keepdims=True))


def fixed_split(digit_images, digit_labels, count: int, seed: int) -> Split:
    """Returns `count` cluttered images: every digit once in a shuffled order, then again in another.

    Of 10,000 digits, 50,000 images are five sets of all digits, each with other clutter; the first set is the same
    whatever the count is.
    """
    targets = epoch_indices(len(digit_images), count, seed, 0)
    sets = [
        clutter(digit_images, targets[first : first + SET], step_generator(seed, number))
        for number, first in enumerate(range(0, count, SET))
    ]
    images, corners = map(np.concatenate, zip(*sets))
    boxes = boxes_at(corners, digit_images.shape[1])
    return Split(images, digit_labels[targets, None].astype(np.int32), boxes, sources=targets)


def boxes_at(corners, side: int):
    """Returns the boxes of squares of a side by their upper left corners (row, column): float32 [n, 4], in pixels."""
    start = corners[:, ::-1]  # (column, row), as boxes have it
    return np.concatenate([start, start + side], axis=1).astype(np.float32)


def check(config: Config, architecture: Architecture, side: int = CANVAS, fitting: str = "--preset=cluttered_mnist"):
    """Raises UserError where the architecture is for something else, or memory too small for the fixed splits.

    Args:
        side: of the images in pixels.
        fitting: the flag that gives a network for them.
    """
    if architecture.task != "classification" or architecture.image_size != (side, side):
        raise UserError(
            f"--dataset={config.dataset} holds {side} x {side} images of one digit. "
            f"Received: {architecture.name}, which is for {architecture.task} on {architecture.image_size}; "
            f"use {fitting}"
        )
    most = max(config.validation_images, config.test_images)
    check_room(most, (CANVAS, CANVAS, 1), "lower --validation_images and --test_images")


def _load(name: str, source: digits.Digits, config: Config) -> Dataset:
    splits = {
        split: fixed_split(*getattr(source, part), count, SPLIT_SEEDS[split])
        for split, part, count in (
            ("validation", "validation", config.validation_images),
            ("test", "test", config.test_images),
            ("calibration", "train", CALIBRATION_IMAGES),
        )
    }
    images, labels = source.train

    def train_batch(step):
        targets = epoch_indices(len(images), config.batch_size, config.seed, step)
        rng = step_generator(config.seed, step)
        cluttered, corners = clutter(images, targets, rng, distortion=config.distortion, elasticity=config.elasticity)
        return cluttered, labels[targets, None].astype(np.int32), boxes_at(corners, images.shape[1]) / CANVAS

    detail = (
        f"{source.detail}; cluttered on the fly for training ({len(images)} digits), "
        f"{len(splits['validation'])} validation and {len(splits['test'])} test images fixed"
    )
    return Dataset(name, detail, tuple("0123456789"), train_batch, **splits)


def load_mnist(config: Config) -> Dataset:
    """Returns the paper's data set, over MNIST, whatever network it is for."""
    return _load("cluttered_mnist", digits.load_mnist(config.data_dir), config)


def load_cluttered_mnist(config: Config, architecture: Architecture) -> Dataset:
    """Returns the paper's data set, over MNIST."""
    check(config, architecture)
    return load_mnist(config)


def load_cluttered_digits(config: Config, architecture: Architecture) -> Dataset:
    """Returns the same over the handwritten digits that ship with scikit-learn: nothing to fetch."""
    check(config, architecture)
    return _load("cluttered_digits", digits.load_sklearn(), config)
