"""Data sets that lie in memory as arrays of equally large images: batches of random windows, and fixed splits."""

import numpy as np

from dcn_tf.architecture import Architecture
from dcn_tf.losses import NOTHING
from train.config import Config
from train.data.augment import random_windows
from train.data.dataset import Dataset, Split, epoch_indices, step_generator

CALIBRATION_IMAGES = 1024


def dataset_of_arrays(name, detail, label_names, splits, config: Config, architecture: Architecture) -> Dataset:
    """Returns a data set over `splits`, a dictionary of train, validation and test `Split`.

    Models over the whole image, and modular training, see windows of the architecture's training size; end-to-end
    training needs a map to choose from, and sees images of the full size. Numbers are augmented as `--augment` says.
    """
    train = splits["train"]
    whole_models = config.model != "dcn" or config.training == "modular"
    window = architecture.train_size if whole_models else architecture.image_size
    augment = config.augment and architecture.task == "sequence"

    def train_batch(step):
        chosen = epoch_indices(len(train), config.batch_size, config.seed, step)
        rng = step_generator(config.seed, step)
        return random_windows(train.images[chosen], window, rng, augment), train.labels[chosen]

    order = np.random.default_rng(0).permutation(len(train))[:CALIBRATION_IMAGES]
    calibration = Split(train.images[order], train.labels[order])
    return Dataset(name, detail, label_names, train_batch, splits["validation"], splits["test"], calibration)


def with_backgrounds(train: Split, backgrounds: np.ndarray) -> Split:
    """Returns training images among which there are some with nothing to read in them: uint8 [m, H, W]."""
    labels = np.full((len(backgrounds), train.labels.shape[1]), NOTHING, np.int32)
    return Split(np.concatenate([train.images, backgrounds[..., None]]), np.concatenate([train.labels, labels]))


def background_count(images: int, share: float) -> int:
    """Returns how many backgrounds beside so many `images` make the share of them all."""
    return round(images * share / (1 - share))
