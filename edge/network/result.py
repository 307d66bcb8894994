"""Results of one image: of its second and third stage, and of all; and the clock that times them."""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from edge.errors import WorkError
from edge.network import compiled
from edge.network.clock import Clock

if compiled.IS_COMPILED:
    Clock = compiled._compiled.Clock  # type: ignore[misc]


class Glance(NamedTuple):
    """The first stage's view of one image.

    Attributes:
        log_probabilities: of the coarse output, [sum(heads)].
        entropy: of it, in nats.
        values: what the saliency is computed from: a classifier's raw activations, [windows, filters]; a sequence's
            `edge.network.softmaxes.Predictions` of its cells, row by row; with levels their
            `edge.network.presence.SeenCells`.
        features: raw coarse features, [h, w, D]; None for sequences.
        maxima: raw, [filters]; None for sequences.
    """

    log_probabilities: np.ndarray
    entropy: float
    values: Any
    features: Any = None
    maxima: Any = None


class SeenLevel(NamedTuple):
    """Where the cells of one level of an image lie, as it was seen.

    Attributes:
        size: (height, width) of the scaled image.
        start: (row, column) of its first pixel in the level, which is padded to at least the input's size.
        cells: (rows, columns) of the level's map.
    """

    size: tuple[int, int]
    start: tuple[int, int]
    cells: tuple[int, int]


class Look(NamedTuple):
    """The second stage's view of one image.

    Attributes:
        saliency: [h, w]; with levels [cells].
        cells: (row, column) of the cells that were looked at, [k, 2], most salient first; with levels (level, row,
            column), [k, 3].
        fine_features: raw vectors of their patches, [k, D].
        patch_boxes: (left, top, right, bottom) of the patches in pixels of the image, [k, 4]; None without levels.
        raw: the top's raw outputs for the vectors, name -> [k, ...], where it has run on them.
        levels: `SeenLevel` of each level, in the order of the saliency; None without levels.
    """

    saliency: np.ndarray
    cells: np.ndarray
    fine_features: np.ndarray
    patch_boxes: Any = None
    raw: dict | None = None
    levels: tuple[SeenLevel, ...] | None = None

    def first(self, count: int) -> "Look":
        """Returns what a look at the `count` most salient of these cells would have seen."""
        boxes = None if self.patch_boxes is None else self.patch_boxes[:count]
        raw = self.raw and {name: values[:count] for name, values in self.raw.items()}
        return Look(self.saliency, self.cells[:count], self.fine_features[:count], boxes, raw, self.levels)


class Answer(NamedTuple):
    """The last stage's word on one image.

    Attributes:
        log_probabilities: of every head, [sum(heads)].
        top_inputs: windows, or vectors, that the top was run on; 0 where the coarse answer stood.
        box: (left, top, right, bottom) of what was read, in pixels of the image; None where it is not told.
    """

    log_probabilities: np.ndarray
    top_inputs: int = 0
    box: tuple | None = None


@dataclass(slots=True)
class Result:
    """What was read in one image, and what led to it.

    Attributes:
        prediction: the label, or the sequence read; '' where there is nothing to read.
        probability: of the prediction; for a sequence p(length) times p(symbol) of every position up to it.
        num_patches: patches that were looked at; 0 where the coarse answer stood.
        log_probabilities: of every head, [sum(heads)].
        categories: the most probable category of each head: the class; or length, symbols, and 'none' behind.
        entropy: of the coarse output, in nats; None for the whole fine model.
        saliency: [h, w], with levels [cells]; None where it was not computed, as the coarse answer was sure enough.
        cells: [k, 2], (row, column), most salient first; with levels [k, 3], (level, row, column).
        top_inputs: windows, or vectors, that the top was run on; 0 where the coarse answer stood.
        stages_us: microseconds of each stage.
        box: (left, top, right, bottom) of what was read, in pixels of the image; None where nothing was read, or its
            place is not told.
        patch_boxes: the same of the patches, [k, 4]; None without levels.
        levels: `SeenLevel` of each level, in the order of the saliency; None without levels, or without a saliency.
    """

    prediction: str
    probability: float
    num_patches: int
    log_probabilities: np.ndarray
    categories: tuple
    entropy: float | None = None
    saliency: np.ndarray | None = None
    cells: np.ndarray | None = None
    top_inputs: int = 0
    stages_us: dict = field(default_factory=dict)
    box: tuple | None = None
    patch_boxes: np.ndarray | None = None
    levels: tuple[SeenLevel, ...] | None = None

    @property
    def milliseconds(self) -> float:
        """Time from the pixels to the prediction."""
        return sum(self.stages_us.values()) / 1e3


def without_nan(values: np.ndarray) -> np.ndarray:
    """Returns values as they are; WorkError where one is no number. Infinities are: the logarithm of 0 is one."""
    # The sum is none where any is. Of a few numbers Python's takes less than NumPy's calls.
    total = sum(values.tolist()) if values.ndim == 1 else np.add.reduce(values, axis=None)
    if math.isnan(total) and np.isnan(values).any():
        raise WorkError("a model of the bundle answers with what is no number (NaN); export the bundle again")
    return values
