"""A data set as the loop sees it: training batches by step, and fixed splits."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

WITHOUT_NUMBER = "without a number"  # the further test, and validation, of such images
EPOCHS_KEPT = 8  # orders of epochs: of the one that is shown and the next, of each of several data sets


@dataclass(frozen=True)
class Split:
    """Images and labels that are evaluated on.

    Attributes:
        images: uint8 [n, H, W, C], or, where sizes differ, a list of n arrays [H_i, W_i, C].
        labels: int32 [n, heads].
        boxes: float32 [n, 4], (left, top, right, bottom) of what is to be read, in pixels of its image; None where it
            is not known.
        ends: float32 [n, positions], where each symbol of a sequence ends, in parts of the sequence's width, 1 from the
            last one on; None where it is not known.
        sources: int [n], what each image was made of, such as the digit among the clutter; None where every image is
            a source of its own.
    """

    images: np.ndarray | list[np.ndarray]
    labels: np.ndarray
    boxes: np.ndarray | None = None
    ends: np.ndarray | None = None
    sources: np.ndarray | None = None

    def __len__(self):
        return len(self.images)

    @property
    def of_one_size(self) -> bool:
        """Whether all images are of one size, and stand in one array."""
        return isinstance(self.images, np.ndarray)

    def head(self, count: int) -> "Split":
        """Returns the first `count` of them."""
        known = (None if field is None else field[:count] for field in (self.boxes, self.ends, self.sources))
        return Split(self.images[:count], self.labels[:count], *known)

    def sizes(self) -> np.ndarray:
        """Returns the (height, width) of every image: [n, 2]."""
        return np.array([image.shape[:2] for image in self.images])

    def batches(self, pixels: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields (indices [b], images uint8 [b, H, W, C]): images of one size, of about `pixels` pixels together."""
        sizes = self.sizes()
        for size in np.unique(sizes, axis=0):
            chosen = np.flatnonzero((sizes == size).all(axis=1))
            count = max(1, pixels // size.prod())
            for start in range(0, len(chosen), count):
                indices = chosen[start : start + count]
                yield indices, np.stack([self.images[i] for i in indices])


@dataclass(frozen=True)
class Dataset:
    """A data set, ready to train on.

    Attributes:
        name: the registry's name.
        detail: where it came from and how many images each split has, in a sentence.
        label_names: class names, or symbols of sequences.
        train_batch: step -> (images uint8 [batch, h, w, C], labels int32 [batch, heads], boxes float32 [batch, 4]:
            where in its image each number is, (left, top, right, bottom) in parts of the image's sides, zeros where
            that is not known. Behind that, [batch, 4 + positions], where its symbols end, see `Split`, if the network
            can answer that there is none). It depends on nothing but the seed and the step, so that a resumed run sees
            what an uninterrupted one would have seen.
        validation: fixed, of one size, independent of the seed.
        test: fixed, independent of the seed; photographs may be of many sizes.
        calibration: training images as they look at evaluation, for quantization.
        more_tests: further splits to test on, by name.
        more_validation: further splits to choose on, by the names of the tests that are like them.
    """

    name: str
    detail: str
    label_names: tuple[str, ...]
    train_batch: Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]]
    validation: Split
    test: Split
    calibration: Split
    more_tests: dict[str, Split] = field(default_factory=dict)
    more_validation: dict[str, Split] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Number of channels of its images."""
        return self.validation.images[0].shape[-1]


def epoch_indices(count: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Returns which of `count` items make up the batch of `step`: a new shuffled permutation for every epoch."""
    epochs, places = np.divmod(np.arange(step * batch_size, (step + 1) * batch_size), count)
    indices = np.empty(batch_size, np.int64)
    for epoch in np.unique(epochs).tolist():
        there = epochs == epoch
        indices[there] = _order(count, seed, epoch)[places[there]]
    return indices


@functools.lru_cache(maxsize=EPOCHS_KEPT)
def _order(count: int, seed: int, epoch: int) -> np.ndarray:
    """Returns the order of an epoch, a permutation of 0 .. count - 1. Hundreds of batches in a row ask for the same."""
    order = np.random.default_rng([seed, 1, epoch]).permutation(count)
    order.flags.writeable = False
    return order


def step_generator(seed: int, step: int) -> np.random.Generator:
    """Returns the random generator of one step."""
    return np.random.default_rng([seed, 2, step])


def no_boxes(count: int) -> np.ndarray:
    """Returns the boxes of `count` images of which nobody knows where their number is: zeros [count, 4]."""
    return np.zeros((count, 4), np.float32)
