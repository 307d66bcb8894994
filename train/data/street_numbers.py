"""House numbers rendered at run time, which need nothing to be fetched: tight crops, as SVHN's are cut for training."""

import numpy as np

from dcn_tf.architecture import SEQUENCE, Architecture
from dcn_tf.losses import sequence_labels
from train.config import Config
from train.data.arrays import dataset_of_arrays
from train.data.dataset import Dataset, Split
from train.data.rendering.crops import EMPTY, load_crops
from train.data.rendering.layout import LENGTHS
from train.data.rendering.typefaces import FAMILIES
from train.errors import UserError


def load(config: Config, architecture: Architecture) -> Dataset:
    """Returns rendered house numbers of one to five digits, at the architecture's size.

    Raises:
        UserError: the architecture is for something else, or type faces are not installed.
    """
    if architecture.task != SEQUENCE or architecture.channels != 1 or architecture.top.max_length < len(LENGTHS):
        raise UserError(
            f"--dataset=street_numbers holds grey images of numbers of up to {len(LENGTHS)} digits. "
            f"Received: --preset={config.preset}; use --preset=svhn"
        )
    counts = {"train": config.train_images, "validation": config.validation_images, "test": config.test_images}
    splits = {name: _split(name, count, architecture, config.looseness) for name, count in counts.items()}
    detail = "house numbers rendered at run time, not photographed: " + ", ".join(
        f"{count} {name} in {len(FAMILIES[name])} families of type" for name, count in counts.items()
    )
    return dataset_of_arrays("street_numbers", detail, tuple("0123456789"), splits, config, architecture)


def _split(name: str, count: int, architecture: Architecture, looseness: float) -> Split:
    images, digits = load_crops(name, count, architecture.image_size, looseness)
    sequences = [row[row != EMPTY].tolist() for row in digits]
    labels = sequence_labels(sequences, architecture.top.max_length, architecture.top.symbols)
    return Split(images[..., None], np.array(labels, np.int32))
