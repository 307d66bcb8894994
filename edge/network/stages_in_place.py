"""The three stages of a classifier in int8: one call in C before and after each model, which works in its tensors."""

import math

import numpy as np

from edge.network import compiled
from edge.network.result import Answer, Clock, Glance, Look
from edge.network.stages import Parts, Stages, nothing

NO_LEVEL = -math.inf
FLOAT, INDEX = np.dtype(np.float32), np.dtype(np.intp)
OUTSIDE = (ValueError, TypeError, BufferError)  # what C says to an image of another kind


def make_stages(parts: Parts) -> Stages:
    """Returns the stages in place where they are for the task and its models, and else those of every task."""
    models = parts.coarse, parts.fine, parts.top
    tensors = [tensor for model in models for tensor in (model.input, *model.outputs)]
    swaps = hasattr(parts.reader, "assembler")  # as `edge.network.tops.SwapTop`
    fits = swaps and all(tensor.dtype == "int8" for tensor in tensors)
    return StagesInPlace(parts) if fits else Stages(parts)


class StagesInPlace(Stages):
    """The stages of one image; arguments and methods are those of `Stages`, and so are the answers, to the last bit.

    What a glance and a look hold of the models' tensors is valid until the next of them.
    """

    def __init__(self, parts: Parts):
        super().__init__(parts)
        coarse = parts.coarse.in_place(parts.coarse.input.shape, (1, *parts.image.groups))
        activations, features = (coarse.outputs[name] for name in ("activation_map", "coarse_features"))
        self._run_coarse, self._features = coarse.run, features[0]
        self._activations = activations.reshape(-1, activations.shape[-1])
        self._maxima = np.empty(activations.shape[-1:], np.int8)
        self._steps = self._make_steps(coarse.input)
        self._classes, self._map_size = parts.reader.classes, self._features.shape[:2]
        self._fine_shape, self._top_shape = parts.fine.input.shape[1:], parts.top.input.shape[1:]
        self._last_count, self._last_fine = 0, None

    def _make_steps(self, laid_out):
        """Returns the C object of all steps, which checks that what they work on fits."""
        parts, saliency, assembler = self.parts, self.parts.reader.saliency_of, self.parts.reader.assembler
        arrays = (
            parts.canvas.values,
            laid_out,
            self._activations,
            self._features,
            parts.reader.coarse.weights,
            parts.reader.refined.weights,
            saliency.dense,
            saliency.kernels,
            saliency.gradient,
            assembler.windows_of_cells,
            assembler.canvas,
            self._maxima,
            np.empty(self._maxima.shape, bool),  # room
            np.empty_like(self._activations),
            np.empty(assembler.rounded(assembler.num_windows), np.intp),
        )
        places = parts.pixels.shape[:2], parts.canvas.before, parts.image.placed, parts.patches.placed
        convolution = saliency.strides, saliency.before, (assembler.FEW, assembler.STEP), parts.reader.zero
        return compiled._compiled.Stages(arrays, *places, *convolution)

    def _of_patches(self, count):
        """Returns the fine model of so many patches, which are mostly as many as of the image before."""
        if count != self._last_count:
            shape, seen_as = (count, *self._fine_shape), (count, *self.parts.patches.groups)
            self._last_count, self._last_fine = count, self.parts.fine.in_place(shape, seen_as)
        return self._last_fine

    def glance(self, image, clock: Clock) -> Glance:
        """Returns the first stage."""
        try:
            self._steps.put(image)
        except OUTSIDE:  # or its rows lie apart
            self._steps.put(np.ascontiguousarray(self.parts.pixels.checked(image)))
        clock.lap("input")
        self._run_coarse()
        clock.lap("coarse")
        log_probabilities = np.empty(self._classes)
        entropy = self._steps.glance(log_probabilities)
        return Glance(log_probabilities, entropy, self._activations, self._features, self._maxima)

    def look_closely(self, glance: Glance, num_patches: int, saliency_level: float | None, clock: Clock) -> Look:
        """Returns the second stage. Patches are cut in the same call as the saliency, and in its time."""
        saliency, cells = np.empty(self._map_size, FLOAT), np.empty((num_patches, 2), INDEX)
        fine = self._of_patches(num_patches)
        level = NO_LEVEL if saliency_level is None else saliency_level
        found = self._steps.look(glance.log_probabilities, glance.entropy, saliency, cells, fine.input, level)
        if found < num_patches:
            cells = cells[:found]
            if not found:
                clock.lap("saliency")
                return Look(saliency, cells, nothing(self.parts.top))
            fine = self._of_patches(found)
            self._steps.cut(cells, fine.input)
        clock.lap("saliency")
        fine.run()
        clock.lap("fine")
        return Look(saliency, cells, fine.outputs["fine_features"])

    def answer(self, glance: Glance, look: Look, clock: Clock) -> Answer:
        """Returns the third stage."""
        steps, cells = self._steps, look.cells
        count = steps.changed(cells)
        top = self.parts.top.in_place((count, *self._top_shape))
        steps.swap(look.fine_features, cells, top.input)
        clock.lap("assemble")
        top.run()
        clock.lap("top")
        log_probabilities = np.empty(self._classes)
        steps.answer(top.memory["activations"], log_probabilities)
        return Answer(log_probabilities, count)
