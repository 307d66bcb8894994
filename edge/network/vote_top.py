"""The top for images of any size, which may hold nothing to read: cells weigh by presence, then patches vote."""

from typing import NamedTuple

import numpy as np

from edge.bundle.manifest import Manifest
from edge.bundle.tasks import Sequence
from edge.network.interpreter import Model
from edge.network.kernels import Kernels
from edge.network.result import Glance
from edge.network.votes import lead, vote


class Voted(NamedTuple):
    """What patches say together.

    Attributes:
        log_probabilities: of every head, [sum(heads)].
        weights: of each patch, [k]; they add up to 1.
        boxes: (left, top, right, bottom) of what each patch shows, in parts of its width and height, [k, 4]; None where
            the network tells none.
    """

    log_probabilities: np.ndarray
    weights: np.ndarray
    boxes: np.ndarray | None


class VoteTop:
    """The top of a bundle with levels. Cells of all levels stand in one list.

    Arguments are those of `edge.network.tops.SwapTop`.
    """

    def __init__(self, manifest: Manifest, weights: dict, coarse: Model, top: Model, kernels: Kernels):
        self.task = manifest.task
        self.coarse_logits, self.fine_logits = coarse.output("cell_logits"), top.output("cell_logits")
        self.boxes = next((tensor for tensor in top.outputs if tensor.name == "boxes"), None)
        self._seen, self.saliency_of = kernels.seen_cells, kernels.presence_saliency(weights["dense"])

    def glance(self, raw) -> Glance:
        """Returns what the raw logits of the cells of all levels say: [cells, sum(heads)]."""
        cells = self._seen(raw, self.coarse_logits, self.task.heads, self.task.saliency_heads, self.task.power)
        return Glance(cells.log_probabilities, cells.entropy, cells)

    def saliency(self, glance: Glance, num_patches: int) -> np.ndarray:
        """Returns the saliency, [cells]; of cells that cannot be among the `num_patches` most salient it may be 0."""
        return self.saliency_of(glance.values, num_patches)

    def answer(self, raw: dict, always_read: bool = False) -> Voted:
        """Returns what the patches say together; `raw` of the top model. always_read: see `edge.network.votes.vote`."""
        logits = self.fine_logits.dequantize(raw["cell_logits"]).astype(np.float64)
        log_probabilities, weights = vote(logits, self.task.heads, always_read)
        boxes = None if self.boxes is None else self.boxes.dequantize(raw["boxes"])
        return Voted(log_probabilities, weights, boxes)

    def lead(self, raw: dict) -> float:
        """Returns by how much the patches' reading leads, see `edge.network.votes.lead`; `raw` of the top model."""
        return lead(self.fine_logits.dequantize(raw["cell_logits"]).astype(np.float64), self.task.heads)

    @staticmethod
    def model_facts(manifest: Manifest, coarse: Model, fine: Model, top: Model) -> dict:
        """Returns what the models say and what the manifest says: name -> (found, wanted)."""
        logits, vectors = sum(manifest.task.heads), fine.output("fine_features")
        boxes = [tensor.shape[-1] for tensor in top.outputs if tensor.name == "boxes"]
        return {
            "cells.map": (coarse.output("cell_logits").shape[1:], (*manifest.cells.map, logits)),
            "heads": (top.output("cell_logits").shape[-1], logits),
            "boxes": (boxes, [4] * len(boxes)),
            "refined": (top.input.shape[1:], (vectors.shape[-1],)),
        }

    @staticmethod
    def weight_shapes(manifest: Manifest, coarse: Model, top: Model) -> dict:
        """Returns the shapes that the saliency's weights must have, by name; None is any number."""
        return {"dense": (None, sum(manifest.task.heads))}

    @staticmethod
    def whole_answer(task: Sequence, model: Model, raw: dict) -> np.ndarray:
        """Returns the log-probabilities that the whole fine model's raw outputs say, of the cells of all levels."""
        logits = model.output("cell_logits").dequantize(raw["cell_logits"])
        return vote(logits.reshape(-1, sum(task.heads)), task.heads)[0]

    @staticmethod
    def most_inputs(manifest: Manifest, num_patches: int) -> int:
        """Returns how many inputs the top model has: a vector of each patch."""
        return num_patches
