"""The three stages of one image, of one size: what runs between the models, and the models."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.network.interpreter import Model
from edge.network.pixels import PixelInput
from edge.network.result import Answer, Clock, Glance, Look

WHOLE = np.zeros((1, 2), np.intp)  # the place of the one window that is the image


@dataclass(frozen=True)
class Parts:
    """What the stages are made of.

    Attributes:
        coarse, fine, top: the models.
        pixels: from pixels to raw values.
        canvas: an `edge.network.patches.Canvas`.
        image, patches: cutters of the whole of it and of patches, see `edge.network.patches.Cutter`.
        reader: the task's top, see `edge.network.tops`.
        select_cells: see `edge.network.saliency.select_cells`.
    """

    coarse: Model
    fine: Model
    top: Model
    pixels: PixelInput
    canvas: Any
    image: Any
    patches: Any
    reader: Any
    select_cells: Any


class Stages:
    """The stages as single computations, each of which hands an array to the next; for every task.

    Methods are those of `edge.network.runner.TwoStageRunner`.
    """

    def __init__(self, parts: Parts):
        self.parts = parts

    def glance(self, image, clock: Clock) -> Glance:
        """Returns the first stage."""
        parts = self.parts
        parts.pixels.convert(parts.pixels.checked(image), parts.canvas)
        laid_out = parts.image.cut(WHOLE)
        clock.lap("input")
        raw = parts.coarse.invoke(laid_out)
        clock.lap("coarse")
        return parts.reader.glance(raw)

    def look_closely(self, glance: Glance, num_patches: int, saliency_level: float | None, clock: Clock) -> Look:
        """Returns the second stage."""
        parts = self.parts
        saliency = parts.reader.saliency(glance)
        cells = parts.select_cells(saliency, num_patches)
        if saliency_level is not None:
            cells = cells[saliency[cells[:, 0], cells[:, 1]] >= saliency_level]
        clock.lap("saliency")
        if not len(cells):
            return Look(saliency, cells, nothing(parts.top))
        patches = parts.patches.cut(cells)
        clock.lap("patches")
        fine_features = parts.fine.invoke(patches)["fine_features"]
        clock.lap("fine")
        return Look(saliency, cells, fine_features)

    def answer(self, glance: Glance, look: Look, clock: Clock) -> Answer:
        """Returns the third stage."""
        parts = self.parts
        refined, windows = parts.reader.assemble(glance, look.fine_features, look.cells)
        clock.lap("assemble")
        raw = parts.top.invoke(refined)
        clock.lap("top")
        return Answer(parts.reader.answer(glance, raw, windows), len(refined))


def nothing(top: Model) -> np.ndarray:
    """Returns the vectors of no patch, [0, D]."""
    return np.empty((0, *top.input.shape[-1:]), top.input.dtype)
