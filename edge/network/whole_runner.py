"""Runs a bundle's fine model over the whole image, for comparison."""

import threading

import numpy as np

from edge.bundle import Bundle
from edge.errors import UserError
from edge.network.kernels import FASTEST, Kernels
from edge.network.patches import Canvas
from edge.network.pyramid import Canvases, LevelCanvas, levels_of
from edge.network.pyramid_runner import checked
from edge.network.result import Clock, Result, without_nan
from edge.network.runner import ONE, check_facts, load_model, one_thread
from edge.network.stages import WHOLE
from edge.network.tops import top_of


class WholeFineRunner:
    """The fine model of a bundle over the whole input, for comparison.

    Raises:
        UserError: the bundle has no whole fine model, or it cannot be run here.
    """

    def __init__(self, bundle: Bundle, num_threads: int = 1, kernels: Kernels = FASTEST):
        if "whole_fine" not in bundle.manifest.models:
            raise UserError(f"the bundle {bundle.path} has no whole fine model; export it again with tools.quantize")
        self.manifest, self._in_use = bundle.manifest, threading.RLock()
        self.model = load_model(bundle, "whole_fine", num_threads)
        image = self.manifest.input
        self._pixels = kernels.pixel_input(image, self.model.input)
        check_facts({"input.size": (self.model.input.shape[1:], self.model.laid_out(image.shape))})
        self._place(kernels)

    def _place(self, kernels: Kernels):
        image = self.manifest.input
        self._canvas = Canvas(image.shape, dtype=self.model.input.dtype, zero=self.model.input.zero_point)
        self._image = kernels.cutter(self._canvas, *ONE, image.size, self.model.layout)

    @one_thread
    def run(self, image, stretch: float | None = None) -> Result:
        """Returns what is read in an image: [H, W] or [H, W, C] uint8, of the manifest's input size.

        `stretch` is of bundles with levels, see `edge.network.pyramid_runner.PyramidRunner.run`.
        """
        clock = Clock()
        raw = self._raw(image, clock, stretch or 1.0)
        task = self.manifest.task
        log_probabilities = without_nan(top_of(self.manifest).whole_answer(task, self.model, raw))
        prediction, probability, categories = task.read(log_probabilities)
        clock.lap("decode")
        return Result(prediction, probability, 0, log_probabilities, categories, stages_us=clock.laps)

    def _raw(self, image, clock: Clock, stretch: float) -> dict:
        self._pixels.convert(self._pixels.checked(image), self._canvas)
        laid_out = self._image.cut(WHOLE)
        clock.lap("input")
        raw = self.model.invoke(laid_out)
        clock.lap("whole_fine")
        return raw


class WholePyramidRunner(WholeFineRunner):
    """The fine model of a bundle with levels over each of them, all cells voting together; as `WholeFineRunner`."""

    def _place(self, kernels: Kernels):
        manifest, model, self._kernels = self.manifest, self.model, kernels
        self._canvases = Canvases(lambda size: LevelCanvas(size, manifest, model, kernels), model)

    def _raw(self, image, clock: Clock, stretch: float) -> dict:
        levels = levels_of(checked(image, self.manifest), self.manifest, self._kernels, stretch=stretch)
        clock.lap("levels")
        logits = []
        for number, level in enumerate(levels):
            on = self._canvases.of(number, level.pixels.shape[:2])
            self._pixels.convert(level.pixels, on.canvas)
            ((whole, _),) = on.bands()
            clock.add("input")
            raw = self.model.invoke(whole)["cell_logits"]
            clock.add("whole_fine")
            logits.append(raw.reshape(-1, raw.shape[-1]))
        return {"cell_logits": np.concatenate(logits)}


def make_whole_runner(bundle: Bundle, num_threads: int = 1, kernels: Kernels = FASTEST) -> WholeFineRunner:
    """Returns the runner of a bundle's whole fine model; see `WholeFineRunner`."""
    return (WholePyramidRunner if bundle.manifest.levels else WholeFineRunner)(bundle, num_threads, kernels)
