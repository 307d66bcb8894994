"""Runs a bundle for images of any size: coarse on every level, fine on the most salient patches of all together."""

import numpy as np

from edge.bundle import Bundle
from edge.bundle.content import MOST_PATCHES
from edge.errors import UserError
from edge.network.kernels import FASTEST, Kernels
from edge.network.pyramid import Canvases, LevelCanvas, levels_of, patch_boxes
from edge.network.result import Answer, Clock, Glance, Look
from edge.network.runner import TwoStageRunner, WholeFineRunner, one_thread

SMALLEST = 4  # pixels a side of an image


class PyramidRunner(TwoStageRunner):
    """The Dynamic Capacity Network of a bundle with levels; arguments and methods are those of `TwoStageRunner`.

    `run` takes an image [H, W] or [H, W, C] uint8 of any size. `num_patches` is the most for all levels together; an
    image with fewer cells has all of them looked at. Cells are (level, row, column).
    """

    def _place(self, manifest, kernels: Kernels):
        self._canvases = Canvases(lambda size: LevelCanvas(size, manifest, self.coarse, kernels, self.fine))
        self._levels, self._on, self._sizes = [], [], []

    @one_thread
    def glance(self, image, clock: Clock | None = None) -> Glance:
        """Returns the first stage, of an image as `run` takes it; see `TwoStageRunner.glance`."""
        clock = clock or Clock()
        self._levels = levels_of(checked(image, self.manifest), self.manifest)
        self._on = [self._canvases.of(number, level.pixels.shape[:2]) for number, level in enumerate(self._levels)]
        clock.lap("levels")
        logits, self._sizes = [], []
        for level, on in zip(self._levels, self._on):
            self._pixels.convert(level.pixels, on.canvas)
            laid_out = on.whole()
            clock.add("input")
            raw = self.coarse.invoke(laid_out)["cell_logits"]
            clock.add("coarse")
            self._sizes.append(raw.shape[1:3])
            logits.append(raw.reshape(-1, raw.shape[-1]))
        return self._reader.glance(np.concatenate(logits))

    @one_thread
    def look_closely(
        self, glance: Glance, num_patches: int, saliency_level: float | None = None, clock: Clock | None = None
    ) -> Look:
        """Returns the second stage, of the image that was glanced at last; see `TwoStageRunner.look_closely`."""
        clock = clock or Clock()
        num_patches = min(num_patches, glance.values.count)
        saliency = self._reader.saliency(glance, num_patches)
        indices = self._select_cells(saliency[None], num_patches)[:, 1]
        if saliency_level is not None:
            indices = indices[saliency[indices] >= saliency_level]
        cells = cells_at(indices, self._sizes)
        clock.lap("saliency")
        if not len(cells):
            return Look(saliency, cells, np.empty((0, *self.top.input.shape[-1:]), self.top.input.dtype))
        patches = self._cut(cells)
        boxes = patch_boxes(cells, self._levels, self.manifest)
        clock.lap("patches")
        fine_features = self.fine.invoke(patches)["fine_features"]
        clock.lap("fine")
        return Look(saliency, cells, fine_features, boxes)

    def _cut(self, cells) -> np.ndarray:
        patches = np.empty((len(cells), *self.fine.input.shape[1:]), self.fine.input.dtype)
        for number in np.unique(cells[:, 0]):
            chosen = (cells[:, 0] == number).nonzero()[0]
            patches[chosen] = self._on[number].patches(cells[chosen, 1:])
        return patches

    @one_thread
    def answer(self, glance: Glance, look: Look, clock: Clock | None = None) -> Answer:
        """Returns the third stage, from both before it; see `TwoStageRunner.answer`."""
        clock = clock or Clock()
        raw = self.top.invoke(look.fine_features)
        clock.lap("top")
        voted = self._reader.answer(raw)
        box = None
        if voted.boxes is not None:
            corners = look.patch_boxes.reshape(-1, 2, 2)
            sides = corners[:, 1] - corners[:, 0]
            boxes = corners[:, :1] + voted.boxes.reshape(-1, 2, 2) * sides[:, None]
            box = tuple(map(float, voted.weights @ boxes.reshape(-1, 4)))
        return Answer(voted.log_probabilities, len(look.cells), box)

    def check_num_patches(self, num_patches: int | None) -> int:
        """Returns k, the manifest's where None; UserError where it is not 1 to `MOST_PATCHES`."""
        num_patches = self.manifest.num_patches if num_patches is None else num_patches
        if not 1 <= num_patches <= MOST_PATCHES:
            raise UserError(
                f"num_patches must be from 1 to {MOST_PATCHES}, received {num_patches}; choose one in that range"
            )
        return num_patches


class WholePyramidRunner(WholeFineRunner):
    """The fine model of a bundle with levels over each of them, all cells voting together; as `WholeFineRunner`."""

    def _place(self, kernels: Kernels):
        manifest = self.manifest
        self._canvases = Canvases(lambda size: LevelCanvas(size, manifest, self.model, kernels))

    def _raw(self, image, clock: Clock) -> dict:
        levels = levels_of(checked(image, self.manifest), self.manifest)
        clock.lap("levels")
        logits = []
        for number, level in enumerate(levels):
            on = self._canvases.of(number, level.pixels.shape[:2])
            self._pixels.convert(level.pixels, on.canvas)
            laid_out = on.whole()
            clock.add("input")
            raw = self.model.invoke(laid_out)["cell_logits"]
            clock.add("whole_fine")
            logits.append(raw.reshape(-1, raw.shape[-1]))
        return {"cell_logits": np.concatenate(logits)}


def make_runner(bundle: Bundle, num_threads: int = 1, kernels: Kernels = FASTEST) -> TwoStageRunner:
    """Returns the runner of a bundle, for images of one size or of any; see `TwoStageRunner`."""
    return (PyramidRunner if bundle.manifest.levels else TwoStageRunner)(bundle, num_threads, kernels)


def make_whole_runner(bundle: Bundle, num_threads: int = 1, kernels: Kernels = FASTEST) -> WholeFineRunner:
    """Returns the runner of a bundle's whole fine model; see `WholeFineRunner`."""
    return (WholePyramidRunner if bundle.manifest.levels else WholeFineRunner)(bundle, num_threads, kernels)


def cells_at(indices, sizes) -> np.ndarray:
    """Returns where positions of the list of all cells lie: [k] -> [k, 3], (level, row, column).

    Args:
        indices: positions in the list, level by level, row by row.
        sizes: (rows, columns) of each level's map.
    """
    ends = np.cumsum([rows * columns for rows, columns in sizes])
    level = np.searchsorted(ends, indices, side="right")
    within, width = indices - (ends - np.prod(sizes, axis=1))[level], np.array(sizes)[level, 1]
    return np.stack([level, within // width, within % width], axis=1)


def checked(image, manifest) -> np.ndarray:
    """Returns an image as [H, W, C]; UserError where it is too small, of another type, or of other channels."""
    image = np.asarray(image)
    pixels = image[..., None] if image.ndim == 2 else image
    channels = manifest.input.channels
    if pixels.ndim != 3 or pixels.shape[2] != channels or pixels.dtype != np.uint8 or min(pixels.shape[:2]) < SMALLEST:
        raise UserError(
            f"the image must be uint8 of at least {SMALLEST} x {SMALLEST} pixels and {channels} channel(s), received "
            f"{image.dtype} {image.shape}; convert it first, as edge.sight.images.load_image does"
        )
    return pixels
