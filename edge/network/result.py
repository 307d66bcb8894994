"""Results of one image: of its second and third stage, and of all; and the clock that times them."""

import time
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class Look(NamedTuple):
    """The second stage's view of one image.

    Attributes:
        saliency: [h, w].
        cells: (row, column) of the cells that were looked at, [k, 2], most salient first.
        fine_features: raw vectors of their patches, [k, D].
    """

    saliency: np.ndarray
    cells: np.ndarray
    fine_features: np.ndarray

    def first(self, count: int) -> "Look":
        """Returns what a look at the `count` most salient of these cells would have seen."""
        return Look(self.saliency, self.cells[:count], self.fine_features[:count])


class Answer(NamedTuple):
    """The last stage's word on one image.

    Attributes:
        log_probabilities: of every head, [sum(heads)].
        top_inputs: windows, or vectors, that the top was run on; 0 where the coarse answer stood.
    """

    log_probabilities: np.ndarray
    top_inputs: int = 0


@dataclass(slots=True)
class Result:
    """What was read in one image, and what led to it.

    Attributes:
        prediction: the label, or the sequence read.
        probability: of the prediction; for a sequence p(length) times p(symbol) of every position up to it.
        num_patches: patches that were looked at; 0 where the coarse answer stood.
        log_probabilities: of every head, [sum(heads)].
        categories: the most probable category of each head: the class, or length minus one, symbols, and 'none' behind.
        entropy: of the coarse output, in nats; None for the whole fine model.
        saliency: [h, w]; None where no patch was looked at.
        cells: [k, 2], (row, column), most salient first.
        top_inputs: windows, or vectors, that the top was run on; 0 where the coarse answer stood.
        stages_us: microseconds of each stage.
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

    @property
    def milliseconds(self) -> float:
        """Time from the pixels to the prediction."""
        return sum(self.stages_us.values()) / 1e3


class Clock:
    """Splits the time since it was made into named stages, in microseconds."""

    def __init__(self):
        self.laps = {}
        self._last = time.perf_counter_ns()

    def lap(self, stage: str) -> None:
        """Ends a stage."""
        now = time.perf_counter_ns()
        self.laps[stage] = (now - self._last) / 1e3
        self._last = now
