"""What every data set gives to the loop."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Split:
    """Images and labels that are evaluated on: uint8 [n, H, W, C] and int32 [n, heads]."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.images)

    def head(self, count: int) -> "Split":
        """Returns the first `count` of them."""
        return Split(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class Dataset:
    """A data set, ready to train on.

    Attributes:
        name: the registry's name.
        detail: where it came from and how many images each split has, in a sentence.
        label_names: class names, or symbols of sequences.
        train_batch: step -> (uint8 [batch, h, w, C], int32 [batch, heads]). It depends on nothing but the seed and the
            step, so that a resumed run sees what an uninterrupted one would have seen.
        validation, test: fixed, independent of the seed.
        calibration: training images as they look at evaluation, for quantization.
    """

    name: str
    detail: str
    label_names: tuple[str, ...]
    train_batch: Callable[[int], tuple[np.ndarray, np.ndarray]]
    validation: Split
    test: Split
    calibration: Split


def epoch_indices(count: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Returns which of `count` items make up the batch of `step`: a new shuffled permutation for every epoch."""
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs = positions // count
    permutations = {epoch: np.random.default_rng([seed, 1, epoch]).permutation(count) for epoch in np.unique(epochs)}
    return np.array([permutations[epoch][position % count] for epoch, position in zip(epochs, positions)])


def step_generator(seed: int, step: int) -> np.random.Generator:
    """Returns the random generator of one step."""
    return np.random.default_rng([seed, 2, step])
