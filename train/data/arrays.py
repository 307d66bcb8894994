"""Data sets that lie in memory as arrays of equally large images: batches of random windows, and fixed splits."""

import numpy as np

from dcn_tf.architecture import Architecture
from dcn_tf.labels import nothing_labels
from train.config import Config
from train.data.augment import random_windows
from train.data.dataset import Dataset, Split, epoch_indices, no_boxes, step_generator
from train.data.windows import draw_windows

CALIBRATION_IMAGES = 1024


def dataset_of_arrays(name, detail, label_names, splits, config: Config, architecture: Architecture) -> Dataset:
    """Returns a data set over `splits`, a dictionary of train, validation and test `Split`.

    Models over the whole image, and modular training, see windows of the architecture's training size; end-to-end
    training needs a map to choose from, and sees images of the full size. Numbers are augmented as `--augment` says.

    Where the images tell where their numbers are, and the network can answer that there is none, windows are drawn
    around numbers and beside them (`windows.draw_windows`).
    """
    train = splits["train"]
    whole_models = config.model != "dcn" or config.training == "modular"
    window = architecture.train_size if whole_models else architecture.image_size
    augment = config.augment and architecture.task == "sequence"
    may_be_empty = architecture.top.may_be_empty
    placed = train.boxes is not None and may_be_empty
    nothing = np.array(nothing_labels(architecture.top), np.int32) if placed else None

    def train_batch(step):
        chosen = epoch_indices(len(train), config.batch_size, config.seed, step)
        rng = step_generator(config.seed, step)
        images, labels = train.images[chosen], train.labels[chosen]
        ends = even_ends(labels) if train.ends is None else train.ends[chosen]
        if not placed:
            boxes = no_boxes(len(chosen))
            boxes = np.hstack([boxes, ends]) if may_be_empty else boxes  # as wide as of data sets that know more
            return random_windows(images, window, rng, augment), labels, boxes
        hardness = min(1.0, step / config.easy_steps) if config.easy_steps else 1.0
        windows, boxes = draw_windows(images, train.boxes[chosen], labels[:, 0], window, rng, augment, hardness, ends)
        return windows, np.where(boxes[:, 2:3] > 0, labels, nothing), np.hstack([boxes, ends])

    order = np.random.default_rng(0).permutation(len(train))[:CALIBRATION_IMAGES]
    calibration = Split(train.images[order], train.labels[order])
    return Dataset(name, detail, label_names, train_batch, splits["validation"], splits["test"], calibration)


def even_ends(labels) -> np.ndarray:
    """Returns where symbols of one width end, as `Split.ends`: labels [n, 1 + positions] -> float32 [n, positions]."""
    ends = np.arange(1, labels.shape[1]) / np.maximum(labels[:, :1], 1)
    return np.minimum(ends, 1).astype(np.float32)


def with_backgrounds(train: Split, backgrounds: np.ndarray, nothing) -> Split:
    """Returns training images among which some, uint8 [m, H, W], have the labels `nothing`."""
    labels = np.tile(np.array(nothing, np.int32), (len(backgrounds), 1))
    boxes = None if train.boxes is None else np.concatenate([train.boxes, no_boxes(len(backgrounds))])
    images = np.concatenate([train.images, backgrounds[..., None]])
    return Split(images, np.concatenate([train.labels, labels]), boxes)


def background_count(images: int, share: float) -> int:
    """Returns how many backgrounds beside so many `images` make the share of them all."""
    return round(images * share / (1 - share))


def joined(first: Split, second: Split) -> Split:
    """Returns the images of two splits of one size, those of the first before the others, which hold no number."""
    fields = ((getattr(first, name), getattr(second, name)) for name in ("images", "labels", "boxes"))
    ends = first.ends
    if ends is not None:
        ends = np.concatenate([ends, np.ones((len(second), ends.shape[1]), np.float32)])
    return Split(*map(np.concatenate, fields), ends)


def window_split(pictures: Split, architecture: Architecture) -> Split:
    """Returns one fixed window of each picture, as training sees them but for what `--augment` does to its pixels."""
    size = architecture.train_size
    lengths = pictures.labels[:, 0]
    windows, boxes = draw_windows(
        pictures.images, pictures.boxes, lengths, size, np.random.default_rng(0), augment=False
    )
    labels = np.where(boxes[:, 2:3] > 0, pictures.labels, np.array(nothing_labels(architecture.top), np.int32))
    return Split(windows, labels, boxes * np.array(size[::-1] * 2, np.float32))
