"""The tops for sequences: a prediction per vector; the answer comes from the fine vectors alone."""

from typing import NamedTuple

import numpy as np

from edge.bundle.manifest import Manifest
from edge.bundle.tasks import Sequence
from edge.network.interpreter import Model
from edge.network.kernels import Kernels
from edge.network.result import Glance
from edge.network.saliency import SequenceSaliency
from edge.network.softmaxes import Predictions, entropies, pool
from edge.network.votes import lead, vote


class SequenceTop:
    """What the tops for sequences share; arguments and methods are those of `edge.network.tops.SwapTop`."""

    def __init__(self, manifest: Manifest, coarse: Model, top: Model):
        self.task: Sequence = manifest.task
        self.coarse_logits, self.fine_logits = coarse.output("cell_logits"), top.output("cell_logits")

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
    def most_inputs(manifest: Manifest, num_patches: int) -> int:
        """Returns how many inputs the top model has: a vector of each patch."""
        return num_patches


class PoolTop(SequenceTop):
    """The top for images of one size: predictions are pooled by the task's weightings.

    Its sums are NumPy's, whatever the kernels are.
    """

    def __init__(self, manifest: Manifest, weights: dict, coarse: Model, top: Model, kernels: Kernels | None = None):
        super().__init__(manifest, coarse, top)
        self.map_size, task = manifest.cells.map, manifest.task
        rule = task.saliency_heads, task.coarse_weighting, task.floor
        self.saliency_of = SequenceSaliency(weights["dense"], task.heads, *rule)

    def glance(self, raw: dict) -> Glance:
        """Returns what the raw outputs of the coarse model say."""
        task = self.task
        logits = self.coarse_logits.dequantize(raw["cell_logits"]).reshape(-1, sum(task.heads))
        cells = Predictions(logits, task.heads)
        log_probabilities = pool(cells, task.coarse_weighting, task.floor)
        entropy = float(entropies(log_probabilities, task.heads)[list(task.saliency_heads)].sum())
        return Glance(log_probabilities, entropy, cells)

    def saliency(self, glance: Glance) -> np.ndarray:
        """Returns the saliency, [h, w]."""
        return self.saliency_of(glance.values, glance.log_probabilities).reshape(self.map_size)

    def assemble(self, glance: Glance, fine_features, cells):
        """Returns the top's raw input, [k, D], and nothing to remember."""
        return fine_features, None

    def answer(self, glance: Glance, raw: dict, windows=None) -> np.ndarray:
        """Returns the answer's log-probabilities; `raw` of the top model."""
        cell_logits = self.fine_logits.dequantize(raw["cell_logits"]).astype(np.float64)
        return pool(Predictions(cell_logits, self.task.heads), self.task.refined_weighting, self.task.floor)

    @staticmethod
    def whole_answer(task: Sequence, model: Model, raw: dict) -> np.ndarray:
        """Returns the log-probabilities that the whole fine model's raw outputs say."""
        cell_logits = model.output("cell_logits").dequantize(raw["cell_logits"]).reshape(-1, sum(task.heads))
        return pool(Predictions(cell_logits, task.heads), "average", task.floor)

    @staticmethod
    def saliency_multiplications(manifest: Manifest, weights) -> int:
        """Returns the multiplications of the saliency: a product with `dense` for every cell."""
        return manifest.cells.count * weights["dense"].size


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


class VoteTop(SequenceTop):
    """The top for images of any size, which may hold nothing: cells weigh by presence, then patches vote.

    Cells of all levels stand in one list.
    """

    def __init__(self, manifest: Manifest, weights: dict, coarse: Model, top: Model, kernels: Kernels):
        super().__init__(manifest, coarse, top)
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
    def whole_answer(task: Sequence, model: Model, raw: dict) -> np.ndarray:
        """Returns the log-probabilities that the whole fine model's raw outputs say, of the cells of all levels."""
        logits = model.output("cell_logits").dequantize(raw["cell_logits"])
        return vote(logits.reshape(-1, sum(task.heads)), task.heads)[0]
