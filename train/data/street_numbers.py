"""House numbers rendered at run time, which need nothing to be fetched: crops to train on, photographs to test on."""

import dataclasses

import numpy as np

from dcn_tf.architecture import SEQUENCE, Architecture
from dcn_tf.losses import sequence_labels
from train.config import Config
from train.data.arrays import background_count, dataset_of_arrays, with_backgrounds
from train.data.dataset import Dataset, Split
from train.data.rendering.layout import LENGTHS
from train.data.rendering.sets import PictureSet, load_backgrounds, load_crops, load_photographs
from train.data.rendering.typefaces import FAMILIES
from train.errors import UserError


def load(config: Config, architecture: Architecture) -> Dataset:
    """Returns rendered house numbers of one to five digits.

    Training and validation see crops at the architecture's size, with so much around the number as `--looseness` says.
    The test is on photographs of many sizes, in which the number takes about a fifth of the width, and as `crops` on
    tight crops of the architecture's size.

    Raises:
        UserError: the architecture is for something else, or type faces are not installed.
    """
    if architecture.task != SEQUENCE or architecture.channels != 1 or architecture.top.max_length < len(LENGTHS):
        raise UserError(
            f"--dataset=street_numbers holds grey images of numbers of up to {len(LENGTHS)} digits. "
            f"Received: --preset={config.preset}; use --preset=svhn"
        )
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
        splits["train"] = with_backgrounds(splits["train"], load_backgrounds("train", count, size).images)
    families = {name: f"in {len(faces)} families of type" for name, faces in FAMILIES.items()}
    detail = (
        f"house numbers rendered at run time, not photographed: {config.train_images} train crops {families['train']} "
        f"and {count} without a number, {config.validation_images} validation "
        f"crops {families['validation']}, {config.test_images} test photographs and as many crops {families['test']}"
    )
    dataset = dataset_of_arrays("street_numbers", detail, tuple("0123456789"), splits, config, architecture)
    return dataclasses.replace(dataset, more_tests={"crops": _split(tight, architecture)})


def _split(pictures: PictureSet, architecture: Architecture) -> Split:
    """Returns the pictures with a channel, and their labels as the architecture's heads give them."""
    images = pictures.images
    images = images[..., None] if isinstance(images, np.ndarray) else [image[..., None] for image in images]
    labels = sequence_labels(pictures.numbers, architecture.top.max_length, architecture.top.symbols, architecture.top.min_length)
    return Split(images, np.array(labels, np.int32), pictures.boxes)
