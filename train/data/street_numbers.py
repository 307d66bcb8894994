"""House numbers rendered at run time, which need nothing to be fetched: crops to train on, photographs to test on."""

import dataclasses
import functools
import math

import numpy as np

from dcn_tf.architecture import SEQUENCE, Architecture
from dcn_tf.labels import nothing_labels, sequence_labels
from train.config import Config
from train.data.arrays import background_count, dataset_of_arrays, joined, window_split, with_backgrounds
from train.data.dataset import WITHOUT_NUMBER, Dataset, Split
from train.data.negatives import check_negatives, load_negatives
from train.data.rendering.layout import LENGTHS
from train.data.rendering.sets import (
    ANY_SIZES,
    PictureSet,
    load_backgrounds,
    load_crops,
    load_photographs,
    load_scenes,
)
from train.data.rendering.styles import MAKERS, weighted
from train.data.rendering.typefaces import FAMILIES
from train.data.room import check_room
from train.data.windows import SCENE
from train.errors import UserError

VALIDATION_PHOTOGRAPHS = 300  # at most, with a number, and as many without
PHOTOGRAPH = (240, 320, 1)  # about the mean of a photograph's shape
MOST_WEIGHT = 1000  # of a kind of scene
SCENE_LENGTHS = (0.14, 0.17, 0.17, 0.16, 0.13, 0.1, 0.07, 0.06)  # of numbers with 1, 2, ... 8 digits


def load(config: Config, architecture: Architecture) -> Dataset:
    """Returns rendered house numbers of one to five digits.

    Training and validation see crops at the architecture's size, with so much around the number as `--looseness` says.
    The test is on photographs of many sizes, in which the number takes about a fifth of the width, and as `crops` on
    tight crops of the architecture's size.

    A network that can answer that there is no number (`min_length` 0) is trained and validated on windows that are cut
    out of scenes, around numbers of up to eight digits and beside them, and tested on photographs of 96 to 640 pixels a
    side, of numbers and of none.

    Raises:
        UserError: see `check`; or type faces are not installed.
    """
    check(config, architecture)
    if architecture.top.may_be_empty:
        return _of_scenes(config, architecture)
    size = architecture.image_size
    train = load_crops("train", config.train_images, size, config.looseness)
    validation = load_crops("validation", config.validation_images, size, config.looseness)
    photographs = load_photographs("test", config.test_images)
    tight = load_crops("test", config.test_images, size)
    splits = {
        name: _split(pictures, architecture)
        for name, pictures in {"train": train, "validation": validation, "test": photographs}.items()
    }
    count = background_count(config.train_images, config.background_share)
    if count:
        splits["train"] = with_backgrounds(
            splits["train"], load_backgrounds("train", count, size).images, nothing_labels(architecture.top)
        )
    families = {name: f"in {len(faces)} families of type" for name, faces in FAMILIES.items()}
    detail = (
        f"house numbers rendered at run time, not photographed: {config.train_images} train crops {families['train']} "
        f"and {count} without a number, {config.validation_images} validation "
        f"crops {families['validation']}, {config.test_images} test photographs and as many crops {families['test']}"
    )
    dataset = dataset_of_arrays("street_numbers", detail, tuple("0123456789"), splits, config, architecture)
    return dataclasses.replace(dataset, more_tests={"crops": _split(tight, architecture)})


def check(config: Config, architecture: Architecture):
    """Raises UserError for what the flags ask of this data set in vain, before anything is rendered."""
    if architecture.task != SEQUENCE or architecture.channels != 1 or architecture.top.max_length < len(LENGTHS):
        raise UserError(
            f"--dataset=street_numbers holds grey images of numbers of up to {len(LENGTHS)} digits. "
            f"Received: --preset={config.preset}; use --preset=svhn"
        )
    counts, size = (config.train_images, config.validation_images), architecture.image_size
    of_scenes = architecture.top.may_be_empty
    shape = max(size, SCENE, key=math.prod) if of_scenes else size
    check_room(max(counts), (*shape, 1), "lower --train_images and --validation_images")
    check_room(config.test_images, PHOTOGRAPH, "lower --test_images")
    if config.negatives and of_scenes:
        check_negatives(config.negatives)
    kind_weights(config.scene_kinds)


def kind_weights(kinds) -> dict[str, float]:
    """Returns {kind: weight} of `--scene_kinds`, such as ("house", "display:2"); UserError where one is wrong."""
    weights = {}
    for kind in kinds:
        style, _, weight = kind.partition(":")
        try:
            weights[style] = float(weight or 1)
        except ValueError:
            weights[style] = math.nan
        if style not in MAKERS or not 0 < weights[style] <= MOST_WEIGHT:
            raise UserError(
                f"--scene_kinds must be kinds of {', '.join(MAKERS)}, each alone or with a weight greater than 0 and "
                f"at most {MOST_WEIGHT:,}, as in house,display:2. Received: {','.join(kinds)}"
            )
    return weights


def _of_scenes(config: Config, architecture: Architecture) -> Dataset:
    lengths = SCENE_LENGTHS[: architecture.top.max_length]
    lengths, styles = tuple(share / sum(lengths) for share in lengths), None
    if config.scene_kinds:
        lengths, styles = weighted(lengths, kind_weights(config.scene_kinds))
    load = functools.partial(load_scenes, size=SCENE, lengths=lengths, styles=styles)
    scenes = {
        split: _split(load(split, count), architecture)
        for split, count in {"train": config.train_images, "validation": config.validation_images}.items()
    }
    photographs = load_photographs("test", config.test_images, sizes=ANY_SIZES)
    unpainted = load_photographs("test", config.test_images, sizes=ANY_SIZES, painted=False)
    splits = {
        "train": scenes["train"],
        "validation": window_split(scenes["validation"], architecture),
        "test": _split(photographs, architecture),
    }
    count = round(config.train_images * config.background_share)
    if count:
        bare = load("train", count, painted=False)
        splits["train"] = joined(splits["train"], _split(bare, architecture))
    if config.negatives:
        nothing = load_negatives(config.negatives, architecture.top, config.negatives_repeats)
        splits["train"] = joined(splits["train"], nothing)
    of_validation = min(config.validation_images, VALIDATION_PHOTOGRAPHS)
    chosen_on = {
        name: _split(load_photographs("validation", of_validation, sizes=ANY_SIZES, painted=painted), architecture)
        for name, painted in (("test", True), (WITHOUT_NUMBER, False))
    }
    detail = (
        f"numbers rendered at run time, not photographed: windows out of {config.train_images} scenes in "
        f"{len(FAMILIES['train'])} families of type and {count} without their number, {config.validation_images} "
        f"validation windows in {len(FAMILIES['validation'])} families, {config.test_images} test photographs in "
        f"{len(FAMILIES['test'])} and as many without their number"
    )
    dataset = dataset_of_arrays("street_numbers", detail, tuple("0123456789"), splits, config, architecture)
    more_tests = {WITHOUT_NUMBER: _split(unpainted, architecture)}
    return dataclasses.replace(dataset, more_tests=more_tests, more_validation=chosen_on)


def _split(pictures: PictureSet, architecture: Architecture) -> Split:
    """Returns the pictures with a channel, and their labels as the architecture's heads give them."""
    images = pictures.images
    images = images[..., None] if isinstance(images, np.ndarray) else [image[..., None] for image in images]
    boxes, ends = pictures.boxes, symbol_ends(pictures)[:, : architecture.top.max_length]
    if isinstance(images, np.ndarray):
        boxes = whole_boxes(pictures, images.shape[1:3])
    labels = sequence_labels(
        pictures.numbers, architecture.top.max_length, architecture.top.symbols, architecture.top.min_length
    )
    return Split(images, np.array(labels, np.int32), boxes, ends)


def symbol_ends(pictures: PictureSet) -> np.ndarray:
    """Returns where each digit ends, in parts of its number's width, 1 from the last one on: float32 [n, MAX_DIGITS].

    Between two digits that is the middle of the gap.
    """
    lefts, rights = pictures.digit_boxes[..., 0], pictures.digit_boxes[..., 2]
    known = rights > lefts
    first = lefts[:, :1]
    wide = np.where(known, rights, -np.inf).max(axis=1, keepdims=True) - first
    middles = (rights[:, :-1] + lefts[:, 1:]) / 2
    between = np.where(known[:, 1:], (middles - first) / np.maximum(wide, 1e-3), 1)
    return np.pad(between, [(0, 0), (0, 1)], constant_values=1).clip(0, 1).astype(np.float32)


def whole_boxes(pictures: PictureSet, size) -> np.ndarray:
    """Returns the boxes of numbers [n, 4], zeros for those of which the picture's border cuts off more than a bit."""
    known = pictures.digit_boxes[..., 2] > pictures.digit_boxes[..., 0]
    bounds = np.array(size[::-1] * 2, np.float32)
    beyond = np.abs(pictures.digit_boxes - np.clip(pictures.digit_boxes, 0, bounds))
    wide = pictures.digit_boxes[..., 2] - pictures.digit_boxes[..., 0]
    cut = known & (beyond.max(axis=-1) > 0.15 * wide)
    return np.where(cut.any(axis=1)[:, None], 0, pictures.boxes).astype(np.float32)
