"""Runs a bundle for images of any size: coarse on every level, fine on the most salient patches of all together."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from edge.bundle import Bundle
from edge.bundle.content import MOST_PATCHES
from edge.errors import UserError
from edge.network.kernels import FASTEST, Kernels
from edge.network.pyramid import MOST_SIZES, Canvases, LevelCanvas, framing, levels_of, patch_boxes, spread
from edge.network.result import Answer, Clock, Glance, Look, Result, SeenLevel
from edge.network.runner import NEVER, TwoStageRunner, one_thread
from edge.network.stacked import box_of_line, lines
from edge.network.step_budget import StepBudget

ALL = float(MOST_PATCHES)  # a lead that no reading has, however many patches vote for it
SMALLEST = 4  # pixels a side of an image
CANDIDATES = 4  # cells for each patch, of which those are taken that are apart


class PyramidRunner(TwoStageRunner):
    """The Dynamic Capacity Network of a bundle with levels; arguments and methods are those of `TwoStageRunner`.

    `run` takes an image [H, W] or [H, W, C] uint8 of any size. `num_patches` is the most for all levels together; an
    image with fewer cells has all of them looked at. Cells are (level, row, column).
    """

    _most_shapes = MOST_SIZES

    @one_thread
    def run(
        self,
        image,
        num_patches: int | None = None,
        exit_entropy: float | None = None,
        saliency_level: float | None = None,
        reading_threshold: float | None = None,
        vote_lead: float | None = None,
        always_read: bool = False,
        budget: StepBudget | None = None,
        patches_apart: float | None = None,
        framed: bool = False,
        stretch: float | None = None,
    ) -> Result:
        """Returns what is read in an image; see `TwoStageRunner.run` for what is not told here.

        Args:
            image: [H, W] or [H, W, C] uint8, of any size.
            num_patches: the most for all levels together.
            exit_entropy: as there, but never where None: the coarse answer does not tell where it was read.
            reading_threshold: a reading of a probability below this is turned down: the answer is then that there is
                nothing to read, with the probability that the reading lacks. The manifest's where None; 0 for none.
            vote_lead: patches are looked at one by one, most salient first, until the winning reading leads by so many
                votes, see `edge.network.votes.lead`; all at once where that is `ALL`. The manifest's where None.
            always_read: every image is known to hold a number: no reading is turned down, and where the patches read
                nothing, the most probable number is the answer.
            budget: ends the look before a patch that will not fit into the time.
            patches_apart: patches of one level begin so much of a patch's height or width apart; 0: wherever they are
                most salient. The manifest's where None.
            framed: the image is known to be cut out around one number: it is seen in its own shape, narrower and wider,
                and only patches that show all of it are looked at, if there are any; see `edge.network.pyramid.shapes`.
                A tall image is read as a stack of digits as well, unless there is a budget; see `edge.network.stacked`.
                `num_patches` of the result then counts the patches of all that was read, and its cells are those of the
                image as it stands.
            stretch: the image is seen a second time, so many times as high, unless it is framed: for displays, whose
                digits are wide. None: once.
        """
        vote_lead = self.manifest.vote_lead if vote_lead is None else vote_lead
        where: dict[str, Any] = {"saliency_level": saliency_level, "patches_apart": patches_apart}
        look = partial(self.look_closely, **where)
        if budget is not None or (vote_lead is not None and vote_lead < ALL):
            enough = ALL if vote_lead is None else vote_lead
            chosen = partial(self._salient, **where)
            look = partial(self._look_one_by_one, chosen=chosen, enough=enough, budget=budget)
        exit_entropy = NEVER if exit_entropy is None else exit_entropy
        glance = partial(self.glance, framed=framed, stretch=stretch)
        answer = partial(self.answer, always_read=always_read)
        read = partial(
            self._run, num_patches=num_patches, exit_entropy=exit_entropy, see=glance, look_closely=look, answer=answer
        )
        stacked = [] if not framed or budget else self._read_lines(image, read)
        result = self._longest(read(image), stacked)
        least = self.manifest.reading_threshold if reading_threshold is None else reading_threshold
        if always_read:
            return result
        return self._turned_down(result) if result.prediction and result.probability < (least or 0) else result

    def _read_lines(self, image, read) -> list[Result]:
        """Returns what is read in a tall image's digits as if they stood side by side, for each number of them."""
        pixels, found = checked(image, self.manifest), []
        for count, line in lines(pixels):
            result = read(line)
            box = result.box and box_of_line(result.box, count, pixels.shape[:2])
            found.append(replace(result, box=box))
        return found

    def _longest(self, result: Result, stacked: list[Result]) -> Result:
        """Returns the longest of an image's readings whose probability reaches the manifest's reading threshold.

        As it stands, a stack of digits shows one digit among others: a part of the number, which is sure of itself.
        """
        if not stacked:
            return result
        every, least = (result, *stacked), self.manifest.reading_threshold or 1.0
        sure = [one for one in every if one.probability >= least and one.prediction]
        best = max(sure, key=lambda one: (one.categories[0], one.probability), default=result)
        stages = dict.fromkeys(name for one in every for name in one.stages_us)
        told = ("prediction", "probability", "log_probabilities", "categories", "box")
        return replace(
            result,
            num_patches=sum(one.num_patches for one in every),
            stages_us={name: sum(one.stages_us.get(name, 0) for one in every) for name in stages},
            **{name: getattr(best, name) for name in told},
        )

    def _turned_down(self, result: Result) -> Result:
        """Returns a result that says that there is nothing to read."""
        nothing = (0, *[len(self.manifest.task.labels)] * self.manifest.task.max_length)
        return replace(result, prediction="", probability=1 - result.probability, categories=nothing, box=None)

    def _place(self, manifest, kernels: Kernels):
        coarse, fine = self.coarse, self.fine
        self._kernels = kernels
        self._canvases = Canvases(lambda size: LevelCanvas(size, manifest, coarse, kernels, fine), coarse)
        self._levels, self._on, self._sizes, self._framed = [], [], [], False

    @one_thread
    def glance(self, image, clock: Clock | None = None, framed: bool = False, stretch: float | None = None) -> Glance:
        """Returns the first stage, of an image as `run` takes it; see `TwoStageRunner.glance`, and `run` for more."""
        clock, self._framed = clock or Clock(), framed
        self._levels = levels_of(checked(image, self.manifest), self.manifest, self._kernels, framed, stretch or 1.0)
        self._on = [self._canvases.of(number, level.pixels.shape[:2]) for number, level in enumerate(self._levels)]
        clock.lap("levels")
        logits, self._sizes = [], []
        for level, on in zip(self._levels, self._on):
            self._pixels.convert(level.pixels, on.canvas)
            rows = 0
            for band, known in on.bands():
                clock.add("input")
                raw = self.coarse.invoke(band)["cell_logits"][0, known:]
                clock.add("coarse")
                rows += len(raw)
                logits.append(raw.reshape(-1, raw.shape[-1]))
            self._sizes.append((rows, raw.shape[1]))
        return self._reader.glance(np.concatenate(logits))

    @one_thread
    def look_closely(
        self,
        glance: Glance,
        num_patches: int,
        saliency_level: float | None = None,
        clock: Clock | None = None,
        patches_apart: float | None = None,
    ) -> Look:
        """Returns the second stage, of the image that was glanced at last; see `TwoStageRunner.look_closely`."""
        clock = clock or Clock()
        saliency, cells = self._salient(glance, num_patches, clock, saliency_level, patches_apart)
        if not len(cells):
            return self._unseen(saliency, cells)
        patches = self._cut(cells)
        boxes = patch_boxes(cells, self._levels, self.manifest)
        clock.lap("patches")
        fine_features = self.fine.invoke(patches)["fine_features"]
        clock.lap("fine")
        return Look(saliency, cells, fine_features, boxes, levels=self._seen())

    def _look_one_by_one(self, glance: Glance, num_patches: int, chosen, enough, budget, clock) -> Look:
        """Returns a look at as many of the chosen cells as `run` says, and what the top makes of them."""
        saliency, cells = chosen(glance, num_patches, clock)
        vectors, raws = [], []
        while len(vectors) < len(cells) and (budget is None or budget.fits(clock.total_us)):
            begun = clock.total_us
            patch = self._cut(cells[len(vectors) : len(vectors) + 1])
            clock.add("patches")
            vectors.append(self.fine.invoke(patch)["fine_features"])
            clock.add("fine")
            raws.append(self.top.invoke(vectors[-1]))
            raw = {name: np.concatenate([one[name] for one in raws]) for name in raws[0]}
            is_enough = self._reader.lead(raw) >= enough
            clock.add("votes")
            if budget is not None:
                budget.note(clock.total_us - begun)
            if is_enough:
                break
        if not vectors:
            return self._unseen(saliency, cells)
        cells = cells[: len(vectors)]
        boxes = patch_boxes(cells, self._levels, self.manifest)
        return Look(saliency, cells, np.concatenate(vectors), boxes, raw, self._seen())

    def _salient(self, glance: Glance, num_patches: int, clock: Clock, saliency_level, patches_apart):
        """Returns the saliency, and the cells to look at, most salient first."""
        manifest = self.manifest
        apart = manifest.patches_apart if patches_apart is None else patches_apart
        whole = self._framing() if self._framed else np.empty(0, np.intp)
        count = min(num_patches * (CANDIDATES if apart else 1), glance.values.count)
        saliency = self._reader.saliency(glance, glance.values.count if len(whole) else count)
        if len(whole):
            apart, indices = 0, whole[(-saliency[whole]).argsort(kind="stable")[:num_patches]]
        else:
            indices = self._select_cells(saliency[None], count)[:, 1]
        if saliency_level is not None:
            indices = indices[saliency[indices] >= saliency_level]
        cells = cells_at(indices, self._sizes)
        if apart:
            nearest = [apart * side / step for side, step in zip(manifest.patch.size, manifest.cells.stride)]
            cells = spread(cells, num_patches, nearest)
        clock.lap("saliency")
        return saliency, cells

    def _framing(self) -> np.ndarray:
        """Returns the positions of the cells, in the list of all, whose patches show the whole image."""
        cells = cells_at(np.arange(sum(rows * columns for rows, columns in self._sizes)), self._sizes)
        return framing(cells, self._levels, self.manifest).nonzero()[0]

    def _seen(self) -> tuple[SeenLevel, ...]:
        return tuple(SeenLevel(level.size, level.start, cells) for level, cells in zip(self._levels, self._sizes))

    def _unseen(self, saliency, cells) -> Look:
        nothing = np.empty((0, *self.top.input.shape[-1:]), self.top.input.dtype)
        return Look(saliency, cells[:0], nothing, levels=self._seen())

    def _cut(self, cells) -> np.ndarray:
        patches = np.empty((len(cells), *self.fine.input.shape[1:]), self.fine.input.dtype)
        for number in np.unique(cells[:, 0]):
            chosen = (cells[:, 0] == number).nonzero()[0]
            patches[chosen] = self._on[number].patches(cells[chosen, 1:])
        return patches

    @one_thread
    def answer(self, glance: Glance, look: Look, clock: Clock | None = None, always_read: bool = False) -> Answer:
        """Returns the third stage, from both before it; see `TwoStageRunner.answer` and, for always_read, `run`."""
        clock = clock or Clock()
        raw = look.raw or self.top.invoke(look.fine_features)
        clock.lap("top")
        voted = self._reader.answer(raw, always_read)
        box = None
        if voted.boxes is not None:
            corners = look.patch_boxes.reshape(-1, 2, 2)
            sides = corners[:, 1] - corners[:, 0]
            boxes = corners[:, :1] + voted.boxes.reshape(-1, 2, 2) * sides[:, None]
            box = tuple(map(float, voted.weights @ boxes.reshape(-1, 4)))
        return Answer(voted.log_probabilities, len(look.cells), box)

    @one_thread
    def lead(self, look: Look) -> float:
        """Returns by how much the reading of a look leads, see `edge.network.votes.lead`."""
        return self._reader.lead(look.raw or self.top.invoke(look.fine_features))


def make_runner(bundle: Bundle, num_threads: int = 1, kernels: Kernels = FASTEST) -> TwoStageRunner:
    """Returns the runner of a bundle, for images of one size or of any; see `TwoStageRunner`."""
    return (PyramidRunner if bundle.manifest.levels else TwoStageRunner)(bundle, num_threads, kernels)


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
